"""A program beside the hub: makes platforms that share one group, and prints their API keys as one line of JSON.

python -m tests.whole.members GROUP SLUG...
"""

from __future__ import annotations

import json
import sys

import django

django.setup()

from sharing.visibility.models import SharingGroup  # noqa: E402 - models need the apps loaded
from tests import factories  # noqa: E402


def main(slug: str, *platforms: str) -> None:
    group = SharingGroup.objects.filter(slug=slug).first() or factories.make_group(slug)
    keys = {}
    for platform in platforms:
        organisation = factories.make_organisation(platform)
        factories.give(organisation, group)
        keys[platform] = factories.make_client(organisation, name="test")[1]
    print(json.dumps(keys))


if __name__ == "__main__":
    main(*sys.argv[1:])
