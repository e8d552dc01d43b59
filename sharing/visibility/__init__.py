"""Floor 2: who may see what. Sharing groups, grants and the Traffic Light Protocol; the one door to django-guardian."""
