"""Floor 1: who is who. Organisations, people, API clients, and the Actor that every service and selector takes."""
