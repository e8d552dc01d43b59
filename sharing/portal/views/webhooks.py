"""Webhooks of one's organisation, for owners and managers (floor 7). Every rule is the services'."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from accounts.models import Scope
from hub.errors import Conflict
from sharing.notifications import services
from sharing.notifications.models import EventType, WebhookDelivery
from sharing.notifications.selectors import deliveries_page, newest_deliveries, webhook, webhooks
from sharing.portal.access import MemberRequest, member
from sharing.portal.forms.problems import error_lines, problems_on
from sharing.portal.forms.webhooks import DeleteForm, RotateForm, WebhookForm
from sharing.portal.paging import page_of


@require_safe
@member
def listed(request: MemberRequest) -> HttpResponseBase:
    found = webhooks(request.actor)
    newest = newest_deliveries(request.actor, found)
    context = {
        "rows": [(endpoint, newest.get(endpoint.pk)) for endpoint in found],
        "most": services.MOST_ENDPOINTS,
        "may_add": len(found) < services.MOST_ENDPOINTS,
    }
    return render(request, "portal/webhooks/list.html", context)


@member
def new(request: MemberRequest) -> HttpResponseBase:
    request.actor.require(Scope.MANAGE_WEBHOOKS)  # who may not add one does not get the form either
    form = WebhookForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with problems_on(form):
            return _secret_page(request, services.create_webhook(actor=request.actor, **form.cleaned_data))
    context = {"form": form, "error_lines": error_lines(form)}
    return render(request, "portal/webhooks/form.html", context)


@require_safe
@member
def detail(request: MemberRequest, uuid: UUID) -> HttpResponseBase:
    endpoint = webhook(request.actor, uuid)
    page = page_of(
        request,
        f"deliveries of {uuid}",
        lambda before, size: deliveries_page(request.actor, uuid, before=before, size=size),
        lambda delivery: delivery.pk,
    )
    context = {
        "webhook": endpoint,
        "events": [EventType(name).label for name in endpoint.events],
        "page": page,
        "any_failed": bool(deliveries_page(request.actor, uuid, state=WebhookDelivery.State.FAILED, size=1)),
    }
    return render(request, "portal/webhooks/webhook.html", context)


@member
def change(request: MemberRequest, uuid: UUID) -> HttpResponseBase:
    endpoint = webhook(request.actor, uuid)
    form = WebhookForm.of(endpoint, request.POST or None)
    if request.method == "POST" and form.is_valid():
        with problems_on(form):
            if form.changes():
                services.change_webhook(actor=request.actor, uuid=uuid, changes=form.changes())
                messages.success(request, _("The change was saved."))
            return redirect("portal:webhook", uuid=uuid)
    context = {"webhook": endpoint, "form": form, "error_lines": error_lines(form)}
    return render(request, "portal/webhooks/form.html", context)


@require_POST
@member
def switch(request: MemberRequest, uuid: UUID) -> HttpResponseBase:
    """On or off: `enabled` is "on", or anything else."""
    enabled = request.POST.get("enabled") == "on"
    services.change_webhook(actor=request.actor, uuid=uuid, changes={"enabled": enabled})
    messages.success(request, _("The webhook is switched on.") if enabled else _("The webhook is switched off."))
    return redirect("portal:webhook", uuid=uuid)


@require_POST
@member
def send_test(request: MemberRequest, uuid: UUID) -> HttpResponseBase:
    services.send_test(actor=request.actor, uuid=uuid)
    messages.success(request, _("A test is sent within a few seconds. Load this page again to see what came of it."))
    return redirect("portal:webhook", uuid=uuid)


@member
def rotate(request: MemberRequest, uuid: UUID) -> HttpResponseBase:
    endpoint = webhook(request.actor, uuid)
    form = RotateForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with problems_on(form):
            overlap = timedelta(hours=form.cleaned_data["overlap_hours"])
            made = services.rotate_secret(actor=request.actor, uuid=uuid, overlap=overlap)
            return _secret_page(request, made)
    context = {"webhook": endpoint, "form": form, "error_lines": error_lines(form)}
    return render(request, "portal/webhooks/rotate.html", context)


@member
def delete(request: MemberRequest, uuid: UUID) -> HttpResponseBase:
    """The question first: nothing is deleted without the tick that this page asks for."""
    endpoint = webhook(request.actor, uuid)
    form = DeleteForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        services.delete_webhook(actor=request.actor, uuid=uuid)
        messages.success(request, _("The webhook was deleted."))
        return redirect("portal:webhooks")
    context = {"webhook": endpoint, "form": form, "error_lines": error_lines(form)}
    return render(request, "portal/webhooks/delete.html", context)


@require_POST
@member
def replay(request: MemberRequest, uuid: UUID, delivery: UUID) -> HttpResponseBase:
    try:
        services.replay(actor=request.actor, uuid=uuid, delivery=delivery)
    except Conflict as error:  # somebody else was quicker, or it was switched off meanwhile
        messages.warning(request, _(error.message))
    else:
        messages.success(request, _("It is sent again within a few seconds."))
    return redirect("portal:webhook", uuid=uuid)


@require_POST
@member
def replay_failed(request: MemberRequest, uuid: UUID) -> HttpResponseBase:
    """All that failed and is still kept; of very many the oldest first."""
    count = services.replay_failed(actor=request.actor, uuid=uuid, since=timezone.now() - services.KEPT)
    said = ngettext("%(count)d delivery is sent again.", "%(count)d deliveries are sent again.", count)
    messages.success(request, said % {"count": count})
    return redirect("portal:webhook", uuid=uuid)


def _secret_page(request: MemberRequest, made: services.NewSecret) -> HttpResponseBase:
    """The answer itself shows the secret: anywhere it could wait for a next page, it would be kept."""
    endpoint = webhook(request.actor, made.endpoint.uuid)
    return render(request, "portal/webhooks/secret.html", {"webhook": endpoint, "secret": made.text})
