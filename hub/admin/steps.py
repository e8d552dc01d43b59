"""Changes that a person confirms with a reason: suspend, revoke, take away (ground)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Generic

from django import forms
from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import unquote
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext_lazy as _

from hub.admin.pages import HubModelAdmin, Link, M
from hub.admin.words import ReasonField
from hub.errors import HubError

MAX_AT_ONCE = 200


class ReasonForm(forms.Form):
    reason = ReasonField(widget=forms.Textarea(attrs={"rows": 3, "cols": 60, "autofocus": True}))


@dataclass(frozen=True, slots=True)
class Question:
    """What a confirmation page says. `done` and `consequence` are whole sentences; `done` takes %(names)s."""

    title: Any
    consequence: Any
    button: Any
    done: Any


@dataclass(frozen=True, slots=True)
class Step(Generic[M]):
    """A change of one object, or of several from the list: offered where it makes sense, done for a reason."""

    name: str
    question: Question
    offered: Callable[[M], bool]
    take: Callable[[HttpRequest, M, str], None]


class SteppedAdmin(HubModelAdmin[M]):
    """Offers its steps as buttons on an object's page and as actions of the list."""

    steps: ClassVar[Sequence[Step[Any]]] = ()

    def get_urls(self) -> list[URLPattern]:
        own = [
            path(
                f"<path:object_id>/{step.name}/",
                self.admin_site.admin_view(partial(self.step_view, step=step)),
                name=self.url_name(step.name),
            )
            for step in self.steps
        ]
        return own + super().get_urls()

    def url_name(self, what: str) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_{what}"

    def object_url(self, obj: M) -> str:
        return reverse(f"admin:{self.url_name('change')}", args=[obj.pk])

    def object_or_404(self, request: HttpRequest, object_id: str) -> M:
        obj = self.get_object(request, unquote(object_id))
        if obj is None:
            raise Http404
        return obj

    def buttons(self, obj: M) -> list[Link]:
        """Changes offered above the form."""
        return [
            Link(step.question.button, reverse(f"admin:{self.url_name(step.name)}", args=[obj.pk]))
            for step in self.steps
            if step.offered(obj)
        ]

    def shown_with(self, request: HttpRequest, obj: M) -> dict[str, Any]:
        return super().shown_with(request, obj) | {"buttons": self.buttons(obj)}

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        return {
            step.name: (_listed(step), step.name, step.question.button) for step in self.steps
        } | super().get_actions(request)

    def response_action(  # type: ignore[override]  # the stubs are of a later Django
        self, request: HttpRequest, queryset: QuerySet[M]
    ) -> HttpResponse | None:
        """Django's own, for ids that can be one; it would fail on any other."""
        try:
            for chosen in request.POST.getlist(ACTION_CHECKBOX_NAME):
                self.opts.pk.clean(chosen, None)
        except ValidationError:
            messages.error(request, _("The hub could not read what was chosen. Load the list again and repeat it."))
            return None
        return super().response_action(request, queryset)

    def step_view(self, request: HttpRequest, object_id: str, *, step: Step[M]) -> HttpResponse:
        obj = self.object_or_404(request, object_id)
        if not step.offered(obj):
            messages.warning(request, _("That is done already, or no longer possible: here is how things stand."))
            return redirect(self.object_url(obj))
        return self.ask(request, step.question, {obj: partial(step.take, request, obj)}, back=self.object_url(obj))

    def step_from_list(self, request: HttpRequest, queryset: QuerySet[M], step: Step[M]) -> HttpResponse | None:
        chosen = [obj for obj in queryset[: MAX_AT_ONCE + 1] if step.offered(obj)]
        if not chosen:
            messages.warning(request, _("Nothing to do: for the chosen ones that is done already."))
            return None
        if len(chosen) > MAX_AT_ONCE:
            messages.error(request, _("Choose %(most)d at most.") % {"most": MAX_AT_ONCE})
            return None
        kept = [(ACTION_CHECKBOX_NAME, obj.pk) for obj in chosen] + [("action", step.name)]
        takes = {obj: partial(step.take, request, obj) for obj in chosen}
        return self.ask(request, step.question, takes, back=request.get_full_path(), kept=kept)

    def ask(
        self,
        request: HttpRequest,
        question: Question,
        takes: Mapping[M, Callable[[str], None]] | Mapping[Any, Callable[[str], None]],
        *,
        back: str,
        kept: Iterable[tuple[str, object]] = (),
    ) -> HttpResponse:
        """The confirmation page; when it was confirmed with a reason, the change itself and the way back.

        `takes` has the service call of each thing that is changed; `kept` is sent along by the page.
        """
        form = ReasonForm(request.POST if "confirm" in request.POST else None)
        if not form.is_valid():
            context = {"question": question, "names": [str(thing) for thing in takes], "form": form, "kept": kept}
            return self.page(request, "admin/hub/step.html", question.title, back=back, **context)
        done = []
        for thing, take in takes.items():
            try:
                take(form.cleaned_data["reason"])
            except HubError as error:
                messages.error(request, f"{thing}: {error.message}")
            else:
                done.append(str(thing))
        if done:
            messages.success(request, question.done % {"names": ", ".join(done)})
        return redirect(back)

    def page(self, request: HttpRequest, template: str, title: Any, **context: Any) -> TemplateResponse:
        """A page of the admin besides its usual ones."""
        shared = {**self.admin_site.each_context(request), "opts": self.opts, "title": title}
        request.current_app = self.admin_site.name
        return TemplateResponse(request, template, shared | context)


def _listed(step: Step[Any]) -> Callable[..., HttpResponse | None]:
    def act(model_admin: SteppedAdmin[Any], request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        return model_admin.step_from_list(request, queryset, step)

    return act
