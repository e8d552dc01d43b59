"""Setting up a webhook (floor 7). What may be called, and who may be told of what, the services decide."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from hub.words import without_identifiers
from sharing.notifications.addresses import MAX_URL
from sharing.notifications.models import CHOSEN, EventType, WebhookEndpoint
from sharing.portal.forms.fields import MaskedInput, StyledForm

_EVENTS = [choice for choice in EventType.choices if choice[0] in CHOSEN]
_DAY = 24


class AddressInput(forms.TextInput):
    """Not a free text, so an identifier in it is told by the service; but it does not go back to the browser either."""

    def format_value(self, value: Any) -> str | None:
        return without_identifiers(value) if isinstance(value, str) else None


class WebhookForm(StyledForm):
    """A new webhook, or one that is changed."""

    url = forms.CharField(
        label=_("Address"),
        max_length=MAX_URL,
        widget=AddressInput(attrs={"inputmode": "url", "autocomplete": "off", "spellcheck": "false"}),
        help_text=_("Where your program is called, for example https://hooks.example.org/hub. Only public addresses."),
    )
    events = forms.MultipleChoiceField(
        label=_("Tell it when"),
        choices=_EVENTS,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Messages hold ids and kinds only; your program reads the rest over the API."),
        error_messages={"required": _("Choose at least one.")},
    )
    description = forms.CharField(
        label=_("Description"), required=False, max_length=200, widget=MaskedInput, help_text=_("For yourself.")
    )

    @classmethod
    def of(cls, endpoint: WebhookEndpoint, data: Any = None) -> WebhookForm:
        initial = {"url": endpoint.url, "events": endpoint.events, "description": endpoint.description}
        return cls(data, initial=initial)

    def changes(self) -> dict[str, Any]:
        """Only what the person changed: a new address forgets failures."""
        return {name: self.cleaned_data[name] for name in self.changed_data}


class RotateForm(StyledForm):
    overlap_hours = forms.TypedChoiceField(
        label=_("The secret before"),
        coerce=int,
        choices=[
            (_DAY, _("signs beside the new one for a day, so that you can change over")),
            (7 * _DAY, _("signs beside the new one for a week")),
            (0, _("ends at once, because somebody else may know it")),
        ],
        initial=_DAY,
        widget=forms.RadioSelect,
    )


class DeleteForm(StyledForm):
    sure = forms.BooleanField(label=_("I know that this can't be undone"))
