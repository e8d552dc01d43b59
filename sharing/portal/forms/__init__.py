"""Forms of the portal (floor 7). They give what was typed its type; whether it is acceptable the services decide."""
