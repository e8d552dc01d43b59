"""Addresses of the API (floor 7). A new one joins tests/test_visibility_matrix.py, or that test fails."""

from django.urls import path

from sharing.api.schema import DocsView, Index, SchemaView
from sharing.api.views.bulk import BulkDetail, BulkResults, SignalBulk
from sharing.api.views.catalogue import Me, SharingGroups, SignalTypes
from sharing.api.views.feed import Feed
from sharing.api.views.floods import Floods
from sharing.api.views.identifiers import Evaluation, IdentifierKeys
from sharing.api.views.lookups import LookupRange, Lookups
from sharing.api.views.matches import MatchDetail, Matches, MatchVerdict
from sharing.api.views.signals import SignalBatch, SignalDetail, SignalRetraction, Signals
from sharing.api.views.webhooks import (
    DeliveryReplay,
    WebhookDeliveries,
    WebhookDetail,
    WebhookReplay,
    Webhooks,
    WebhookSecretRotation,
    WebhookTest,
)

app_name = "api"
urlpatterns = [
    # First, because it is asked for most often: addresses are tried one after the other.
    path("lookups", Lookups.as_view(), name="lookups"),
    path("", Index.as_view(), name="index"),
    path("whoami", Me.as_view(), name="whoami"),
    path("sharing-groups", SharingGroups.as_view(), name="sharing-groups"),
    path("signal-types", SignalTypes.as_view(), name="signal-types"),
    path("signals", Signals.as_view(), name="signals"),
    path("signals/batch", SignalBatch.as_view(), name="signal-batch"),
    path("signals/bulk", SignalBulk.as_view(), name="signal-bulk"),
    path("signals/bulk/<uuid:uuid>", BulkDetail.as_view(), name="bulk"),
    path("signals/bulk/<uuid:uuid>/results", BulkResults.as_view(), name="bulk-results"),
    path("signals/<uuid:uuid>", SignalDetail.as_view(), name="signal"),
    path("signals/<uuid:uuid>/retract", SignalRetraction.as_view(), name="signal-retraction"),
    path("matches", Matches.as_view(), name="matches"),
    path("matches/<uuid:uuid>", MatchDetail.as_view(), name="match"),
    path("matches/<uuid:uuid>/verdict", MatchVerdict.as_view(), name="match-verdict"),
    path("lookups/range/<str:type>/<str:prefix>", LookupRange.as_view(), name="lookup-range"),
    path("identifiers/evaluate", Evaluation.as_view(), name="identifier-evaluation"),
    path("identifiers/keys", IdentifierKeys.as_view(), name="identifier-keys"),
    path("floods", Floods.as_view(), name="floods"),
    path("webhooks", Webhooks.as_view(), name="webhooks"),
    path("webhooks/<uuid:uuid>", WebhookDetail.as_view(), name="webhook"),
    path("webhooks/<uuid:uuid>/rotate-secret", WebhookSecretRotation.as_view(), name="webhook-secret-rotation"),
    path("webhooks/<uuid:uuid>/test", WebhookTest.as_view(), name="webhook-test"),
    path("webhooks/<uuid:uuid>/replay", WebhookReplay.as_view(), name="webhook-replay"),
    path("webhooks/<uuid:uuid>/deliveries", WebhookDeliveries.as_view(), name="webhook-deliveries"),
    path(
        "webhooks/<uuid:uuid>/deliveries/<uuid:delivery>/replay",
        DeliveryReplay.as_view(),
        name="webhook-delivery-replay",
    ),
    path("feed", Feed.as_view(), name="feed"),
    path("schema", SchemaView.as_view(), name="schema"),
    path("docs", DocsView.as_view(url_name="api:schema"), name="docs"),
]
