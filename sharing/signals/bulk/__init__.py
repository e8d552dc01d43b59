"""Bulk uploads (floor 3): up to 100,000 signals in one request, stored piece by piece and taken up again by a key."""
