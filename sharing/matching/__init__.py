"""Floor 4: finding what relates to a signal, and telling each organisation that may know."""
