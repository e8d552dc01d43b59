"""The flood guard: indicators that lead to very many signals are summarised instead of told one by one (floor 4)."""
