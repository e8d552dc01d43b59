"""Floor 7: the REST API. Serializers shape, services decide, views only introduce the two."""
