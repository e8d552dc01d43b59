"""What the lists of signals and matches can be narrowed to (floor 7)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.actor import Actor
from hub.errors import Problem
from hub.words import problem_in
from sharing import signal_types
from sharing.matching.models import Match
from sharing.matching.selectors import MatchFilters
from sharing.portal.forms.fields import DayInput, MaskedInput, StyledForm
from sharing.portal.forms.problems import text_of
from sharing.signals.models import Signal
from sharing.signals.reach import sources
from sharing.signals.selectors import SignalFilters
from sharing.visibility.models import Harm, SharingGroup

Choices = list[tuple[str, Any]]
ANY = ("", _("Any"))
FOUND = [("", _("As signals came in")), ("rematch", _("Later, among stored signals")), ("all", _("Either way"))]


class MatchFilterForm(StyledForm):
    verdict = forms.ChoiceField(label=_("Verdict"), required=False, choices=[ANY, *Match.Verdict.choices])
    harm = forms.ChoiceField(label=_("Harm"), required=False, choices=[ANY, *Harm.choices])
    severity = forms.ChoiceField(label=_("Severity"), required=False, choices=[ANY, *Signal.Severity.choices])
    # What was found later comes as one summary: thousands at once would bury what comes in now.
    found = forms.ChoiceField(label=_("Found"), required=False, choices=FOUND)
    rematch = forms.UUIDField(label=_("Summary"), required=False, widget=forms.HiddenInput)

    def filters(self) -> MatchFilters:
        data = dict(self.cleaned_data)
        if data["found"] != "rematch":
            # The person has turned from the summary to another list.
            data["rematch"] = None
        data["found"] = {"": "submission", "all": ""}.get(data["found"], data["found"])
        return MatchFilters(**data)


class SignalFilterForm(StyledForm):
    text = forms.CharField(
        label=_("Words or a hash"), required=False, max_length=200, widget=MaskedInput(attrs={"type": "search"})
    )
    kind = forms.ChoiceField(label=_("Kind"), required=False, choices=[ANY, *Signal.Kind.choices])
    harm = forms.ChoiceField(label=_("Harm"), required=False, choices=[ANY, *Harm.choices])
    severity = forms.ChoiceField(label=_("Severity"), required=False, choices=[ANY, *Signal.Severity.choices])
    type = forms.ChoiceField(
        label=_("Holds a"),
        required=False,
        choices=lambda: [ANY, *((item.name, _(item.title)) for item in signal_types.ALL)],
    )
    # Not ChoiceFields: the name of somebody who has left a group must still find what they left there.
    group = forms.CharField(label=_("Sharing group"), required=False, max_length=60, widget=forms.Select)
    organisation = forms.CharField(label=_("From"), required=False, max_length=60, widget=forms.Select)
    since = forms.DateField(label=_("Submitted since"), required=False, widget=DayInput)

    def __init__(self, actor: Actor, data: Any) -> None:
        super().__init__(data)
        groups = SharingGroup.objects.visible_to(actor).values_list("slug", "name")
        self._offer("group", groups)
        self._offer("organisation", sources(actor).values_list("slug", "name"))

    def _offer(self, name: str, rows: Iterable[tuple[str, str]]) -> None:
        choices: Choices = [ANY, *rows]
        chosen = self.data.get(name, "")
        if chosen not in dict(choices):
            choices.append((chosen, chosen))
        widget = self.fields[name].widget
        assert isinstance(widget, forms.Select)
        widget.choices = choices

    def check_text(self, text: str) -> None:
        if problem_in(text, "") is not None:
            raise forms.ValidationError(text_of(_NOT_SEARCHED))

    def clean_since(self) -> datetime | None:
        day: date | None = self.cleaned_data["since"]
        return None if day is None else timezone.make_aware(datetime.combine(day, time.min))

    def filters(self) -> SignalFilters:
        return SignalFilters(**self.cleaned_data)

    @property
    def is_narrowed(self) -> bool:
        return self.is_valid() and any(self.cleaned_data.values())


_NOT_SEARCHED = Problem(
    "/text",
    "identifier_in_text",
    "The hub holds no e-mail addresses or phone numbers that could be searched for.",
    "Matching finds them: submit a signal with the identifier.",
)
