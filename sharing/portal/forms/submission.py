"""Submitting one signal: first who will see it, then what is known (floor 7)."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.actor import Actor
from hub.words import AS_INDICATOR
from sharing.portal.forms.fields import (
    CHOOSE,
    FigureInput,
    MaskedInput,
    MaskedTextarea,
    MomentInput,
    PlatformName,
    ShortNames,
    StyledForm,
)
from sharing.portal.forms.indicators import ANY_PLATFORM, IndicatorForm
from sharing.signals.inputs import AccountInput, SignalInput
from sharing.signals.models import AccountDetail, Signal
from sharing.visibility.models import Harm, SharingGroup
from sharing.visibility.selectors import contributable_groups
from sharing.visibility.tlp import TLP

MAX_BEHAVIOURS = 30
LONGEST_BEHAVIOUR = 60
OF_ACCOUNT = ("platform", "behaviours", "enforcement", "enforced_at")


class AudienceForm(StyledForm):
    """Sent by GET and kept in the address: it says nothing about anybody."""

    kind = forms.ChoiceField(label=_("Kind"), choices=[CHOOSE, *Signal.Kind.choices])
    harm = forms.ChoiceField(label=_("Harm"), choices=[CHOOSE, *Harm.choices])
    tlp = forms.ChoiceField(
        label=_("How far may it be passed on?"), choices=TLP.choices, initial=TLP.AMBER, widget=forms.RadioSelect
    )
    sharing_groups = forms.MultipleChoiceField(
        label=_("Sharing groups"), required=False, widget=forms.CheckboxSelectMultiple
    )
    named_organisations = ShortNames(
        label=_("Named organisations"),
        required=False,
        max_length=2_000,
        help_text=_("Short names, separated by commas. They will see this one signal; the only way for TLP:RED."),
    )

    def __init__(self, actor: Actor, data: Any = None) -> None:
        super().__init__(data)
        self.groups: list[SharingGroup] = list(contributable_groups(actor))
        field = self.fields["sharing_groups"]
        assert isinstance(field, forms.MultipleChoiceField)
        field.choices = [(group.slug, group.name) for group in self.groups]

    @property
    def groups_to_choose(self) -> list[tuple[Any, SharingGroup]]:
        """Each checkbox with its group."""
        return list(zip(self["sharing_groups"], self.groups, strict=True))

    @property
    def audience(self) -> dict[str, Any]:
        """The part that decides who sees the signal, in the words of SignalInput."""
        return {
            "harm": self.cleaned_data["harm"],
            "tlp": self.cleaned_data["tlp"],
            "sharing_groups": tuple(self.cleaned_data["sharing_groups"]),
            "named_organisations": self.cleaned_data["named_organisations"],
        }


class KnowledgeForm(StyledForm):
    """What is known apart from the indicators; the same for a new signal and for a change."""

    severity = forms.ChoiceField(label=_("Severity"), choices=[CHOOSE, *Signal.Severity.choices])
    confidence = forms.IntegerField(
        label=_("Confidence"),
        min_value=0,
        max_value=100,
        initial=50,
        widget=FigureInput,
        help_text=_("0 to 100: how sure your organisation is."),
    )
    subject_role = forms.ChoiceField(
        label=_("The person concerned is"),
        choices=Signal.SubjectRole.choices,
        initial=Signal.SubjectRole.UNKNOWN,
        help_text=_("As far as you know. Everybody who sees the signal sees this."),
    )
    summary = forms.CharField(
        label=_("Summary"),
        required=False,
        max_length=4_000,
        widget=MaskedTextarea(attrs={"rows": 4}),
        help_text=_("What was seen, where and when. No names, e-mail addresses or phone numbers."),
    )
    lawful_basis = forms.CharField(
        label=_("Lawful basis"),
        required=False,
        max_length=200,
        widget=MaskedInput,
        help_text=_("Why you may share this, for example a section of a law."),
    )
    observed_at = forms.DateTimeField(label=_("Observed"), required=False, widget=MomentInput)
    expires_at = forms.DateTimeField(
        label=_("Expires"),
        required=False,
        widget=MomentInput,
        help_text=_("Empty: as the sharing group keeps signals."),
    )


class DetailsForm(KnowledgeForm):
    mend_of_texts = AS_INDICATOR

    external_id = forms.CharField(
        label=_("Own reference"),
        required=False,
        max_length=200,
        widget=MaskedInput,
        help_text=_("Your id for this. Other members don't see it. Used again, it changes your earlier signal."),
    )

    def to_input(self, audience: AudienceForm, rows: list[IndicatorForm]) -> SignalInput:
        """What was filled in. A field that has an error stands there as something that nobody would object to, so
        that the rest can be checked with it."""
        data = self.beyond_objection() | self.cleaned_data
        return SignalInput(
            kind=audience.cleaned_data["kind"],
            external_id=data.pop("external_id") or None,
            account=self.account(data),
            indicators=tuple(row.to_input() for row in rows),
            **audience.audience,
            **data,
        )

    def beyond_objection(self) -> dict[str, Any]:
        return {
            "severity": Signal.Severity.LOW,
            "confidence": 0,
            "subject_role": Signal.SubjectRole.UNKNOWN,
            "summary": "",
            "lawful_basis": "",
            "observed_at": None,
            "expires_at": None,
            "external_id": "",
        }

    def account(self, data: dict[str, Any]) -> AccountInput | None:
        """Takes what it needs out of `data`."""
        return None


class AccountDetailsForm(DetailsForm):
    platform = PlatformName(label=_("Platform"), help_text=_("Its short name, for example exampletube."))
    behaviours = forms.CharField(
        label=_("Behaviours"),
        required=False,
        max_length=2_000,
        widget=MaskedTextarea(attrs={"rows": 3}),
        help_text=_("One in a line, for example: advertises crossings."),
    )
    enforcement = forms.ChoiceField(label=_("Action taken"), choices=AccountDetail.Enforcement.choices)
    enforced_at = forms.DateTimeField(label=_("Date of the action"), required=False, widget=MomentInput)

    def clean_behaviours(self) -> tuple[str, ...]:
        lines = tuple(line.strip() for line in self.cleaned_data["behaviours"].splitlines() if line.strip())
        if len(lines) > MAX_BEHAVIOURS or any(len(line) > LONGEST_BEHAVIOUR for line in lines):
            raise forms.ValidationError(_("At most 30 lines of at most 60 characters."))
        return lines

    def beyond_objection(self) -> dict[str, Any]:
        account = AccountInput(platform=ANY_PLATFORM)
        return super().beyond_objection() | {name: getattr(account, name) for name in OF_ACCOUNT}

    def account(self, data: dict[str, Any]) -> AccountInput:
        return AccountInput(**{name: data.pop(name) for name in OF_ACCOUNT})
