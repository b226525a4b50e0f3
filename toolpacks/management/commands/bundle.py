"""`manage.py bundle plan|apply|export DIR --key KEY`: keeps tool sets, tools and packs in files, for people and CI."""

import argparse
import contextlib
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from gateway.identity.command_base import WorkspaceCommand, shown
from toolpacks.bundles import applying, exporting, runs
from toolpacks.bundles.answers import plan_json, run_with_outcomes_json
from toolpacks.bundles.directory import read_directory, write_directory
from toolpacks.bundles.problems import BundleInvalid
from toolpacks.management.progress import RunProgress
from toolpacks.management.told import plan_in_words, run_in_words
from toolpacks.models import BundleRun

_CHANGES_AHEAD = 2


class Command(WorkspaceCommand):
    help = "Keep tool sets, their tools and packs in files: say what would change, change it, and write the files."
    label = "manage.py bundle"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
        plan = self._verb(verbs, "plan", "say what applying the files would do")
        plan.add_argument(
            "--exit-code",
            action="store_true",
            dest="tells_by_exit_code",
            help=f"exit with {_CHANGES_AHEAD} when something would change",
        )
        apply = self._verb(verbs, "apply", "bring the workspace to what the files say")
        apply.add_argument(
            "--allow-empty",
            action="store_true",
            dest="may_be_empty",
            help="the files name nothing, and all that the bundle owns is to be archived",
        )
        export = self._verb(verbs, "export", "write files of what the bundle owns")
        export.add_argument(
            "--replace",
            action="store_true",
            help="take away the files of an earlier export that are not in this one",
        )

    def _verb(self, verbs: Any, name: str, purpose: str) -> Any:
        verb = verbs.add_parser(name, help=purpose, description=purpose.capitalize())
        self.add_common_arguments(verb)
        verb.add_argument("directory", type=Path, metavar="DIR")
        verb.add_argument("--key", required=True, help="the bundle's key")
        return verb

    def handle(self, *args: Any, verb: str, key: str, **options: Any) -> None:
        runs.check_key(key)
        try:
            getattr(self, f"_{verb}")(key=key, **options)
        except BundleInvalid as exc:
            raise CommandError("\n".join(shown(str(p)) for p in exc.problems)) from exc

    def _plan(
        self, *, key: str, directory: Path, tells_by_exit_code: bool, **_: Any
    ) -> None:
        bundle = read_directory(directory)
        plan = applying.plan_now(self.workspace, key, bundle, actor=self.actor)
        self.answer(plan_json(plan, key), text=plan_in_words(plan))
        if plan.counts["refused"]:
            raise CommandError("Not everything of the bundle can be applied.")
        if tells_by_exit_code and plan.ahead:
            sys.exit(_CHANGES_AHEAD)

    def _apply(
        self, *, key: str, directory: Path, may_be_empty: bool, **_: Any
    ) -> None:
        run, _plan = applying.request(
            self.workspace,
            key,
            read_directory(directory),
            may_be_empty=may_be_empty,
            actor=self.actor,
        )
        display = RunProgress(self.stderr)
        try:
            with contextlib.closing(display):
                applying.run_bundle(run.pk, on_progress=display.show)
        except KeyboardInterrupt as exc:
            raise CommandError(
                "Stopped. What was applied stays.", returncode=130
            ) from exc
        run.refresh_from_db()
        self.answer(run_with_outcomes_json(run), text=run_in_words(run))
        if run.state != BundleRun.State.SUCCEEDED:
            raise CommandError(_ended(run))

    def _export(self, *, key: str, directory: Path, replace: bool, **_: Any) -> None:
        files = exporting.files_of(exporting.export_of(self.workspace, key))
        write_directory(directory, files, replace=replace)
        self.answer(
            {"files": sorted(files)}, text=f"Wrote {len(files)} files to {directory}."
        )


def _ended(run: BundleRun) -> str:
    if run.is_finished:
        return run.message
    return f"A worker took the run {run.pk} over. Look at it by REST or in the admin."
