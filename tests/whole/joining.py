"""A program beside the hub: lets an organisation into a group, as an administrator does.

python -m tests.whole.joining GROUP SLUG
"""

from __future__ import annotations

import json
import sys

import django

django.setup()

from accounts.models import Organisation  # noqa: E402 - models need the apps loaded
from sharing.visibility.models import SharingGroup  # noqa: E402
from tests import factories  # noqa: E402


def main(group: str, slug: str) -> None:
    factories.give(Organisation.objects.get(slug=slug), SharingGroup.objects.get(slug=group), "view")
    print(json.dumps(slug))


if __name__ == "__main__":
    main(*sys.argv[1:])
