"""Floor 7: the web portal for analysts. Server-rendered; views introduce forms and templates to services."""
