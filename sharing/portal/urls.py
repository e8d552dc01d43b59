"""Addresses of the portal (floor 7)."""

from django.contrib.auth.views import LogoutView
from django.urls import path

from sharing.portal.access import member
from sharing.portal.views import account, checking, dashboard, identifiers, matches, signals, submission, webhooks

app_name = "portal"
urlpatterns = [
    path("", dashboard.dashboard, name="dashboard"),
    path("sign-in", account.SignIn.as_view(), name="sign-in"),
    path("sign-out", LogoutView.as_view(), name="sign-out"),
    path("profile", account.profile, name="profile"),
    path("profile/password", member(account.PasswordChange.as_view()), name="password"),
    path("signals", signals.signals, name="signals"),
    path("signals/new", submission.submit, name="submit"),
    path("signals/new/details", submission.submit_details, name="submit-details"),
    path("signals/<uuid:uuid>", signals.signal, name="signal"),
    path("signals/<uuid:uuid>/change", signals.change, name="signal-change"),
    path("signals/<uuid:uuid>/retract", signals.retract, name="signal-retract"),
    path("check", checking.check, name="check"),
    path("identifiers/keys", identifiers.keys, name="identifier-keys"),
    path("identifiers/evaluate", identifiers.evaluate, name="identifier-evaluate"),
    path("matches", matches.inbox, name="matches"),
    path("matches/<uuid:uuid>", matches.match, name="match"),
    path("matches/<uuid:uuid>/verdict", matches.verdict, name="match-verdict"),
    path("webhooks", webhooks.listed, name="webhooks"),
    path("webhooks/new", webhooks.new, name="webhook-new"),
    path("webhooks/<uuid:uuid>", webhooks.detail, name="webhook"),
    path("webhooks/<uuid:uuid>/change", webhooks.change, name="webhook-change"),
    path("webhooks/<uuid:uuid>/switch", webhooks.switch, name="webhook-switch"),
    path("webhooks/<uuid:uuid>/test", webhooks.send_test, name="webhook-test"),
    path("webhooks/<uuid:uuid>/secret", webhooks.rotate, name="webhook-rotate"),
    path("webhooks/<uuid:uuid>/delete", webhooks.delete, name="webhook-delete"),
    path("webhooks/<uuid:uuid>/replay", webhooks.replay_failed, name="webhook-replay-failed"),
    path("webhooks/<uuid:uuid>/deliveries/<uuid:delivery>/replay", webhooks.replay, name="webhook-replay"),
]
