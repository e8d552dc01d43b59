"""What every page of Django's admin has in common (ground): the site, its permissions, its audit, its confirmations.

It stands on hub.audit and hub.outbox. The pages themselves stand in the slices whose models they show.
"""

from importlib import import_module

from django.contrib.admin.apps import AdminConfig


class HubAdminConfig(AdminConfig):
    default_site = "hub.admin.site.HubAdminSite"

    def ready(self) -> None:
        super().ready()
        # Found by no search for admin modules, which looks in installed apps only.
        import_module("hub.admin.outbox")
