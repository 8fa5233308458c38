"""``edge-affect models add``, ``list`` and ``remove``: models of one's own."""

from __future__ import annotations

import argparse
import base64
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_affect import config as configuration
from edge_affect import own_models
from edge_affect.errors import (
    CannotWriteError,
    ExitCode,
    InputMissingError,
    ManifestError,
    ModelError,
    UsageError,
    errors_by_code,
    shown,
)
from edge_affect.record import EXPRESSIONS

if TYPE_CHECKING:
    from edge_affect.perception.manifest import Manifest

TRIAL_TIMEOUT_S = 900.0
MAX_MODEL_BYTES = 64_000_000
MAX_TEXT_BYTES = 1_000_000
CONFIG = Path("/etc/edge-affect/config.toml")
EXAMPLES = """examples:
  edge-affect models add mine/smiles.toml
  edge-affect models add mine/smiles.toml --golden mine/answers.npz --clip talk.mp4 --dry-run
  edge-affect models list
  edge-affect models remove smiles"""


def add_parsers(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the actions."""
    shape = argparse.RawDescriptionHelpFormatter
    add = actions.add_parser(
        "add",
        help="try a model of your own by its manifest, and install it",
        description="Checks manifest and file, runs the model in a caged process with bounds of "
        "memory and time, compares kept answers, replays a clip with and without it, and only "
        "then installs it. [models] of the configuration names the model to use.",
        epilog=EXAMPLES,
        formatter_class=shape,
    )
    add.add_argument("manifest", type=Path, help="its manifest; the model file is beside it")
    add.add_argument("--golden", type=Path, help="kept inputs and answers, .npz, to compare with")
    add.add_argument("--clip", type=Path, help="a recording to replay; default: the demo's clip")
    add.add_argument("--config", type=Path, help="configuration for the replay")
    add.add_argument("--dest", type=Path, help="folder to install into")
    add.add_argument("--replace", action="store_true", help="in the place of one of that name")
    add.add_argument("--dry-run", action="store_true", help="try, and install nothing")
    add.add_argument(
        "--without-cage", action="store_true", help="where this kernel builds none; bounds stay"
    )
    add.add_argument("--json", action="store_true", help="print one JSON object")
    add.set_defaults(run=run_add)
    rows = actions.add_parser(
        "list", help="own models, and what the configuration uses", epilog=EXAMPLES,
        formatter_class=shape,
    )  # fmt: skip
    rows.add_argument("--config", type=Path, default=CONFIG, help=f"default: {CONFIG}")
    rows.add_argument("--json", action="store_true", help="print one JSON object")
    rows.set_defaults(run=run_list)
    remove = actions.add_parser(
        "remove", help="remove an own model", epilog=EXAMPLES, formatter_class=shape
    )
    remove.add_argument("name", help="as `models list` shows it")
    remove.add_argument("--config", type=Path, default=CONFIG, help="must not name it any more")
    remove.set_defaults(run=run_remove)


def run_add(args: argparse.Namespace) -> int:
    """Try a model and install it."""
    dest: Path = args.dest or own_models.own_models_dirs()[0]
    media = _media(args.clip)
    try:
        dest.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=".adding-", dir=dest))
    except OSError as error:
        raise CannotWriteError(f"{dest} cannot be written: {error.strerror}.") from None
    try:
        # Tried is the very copy that is installed then: nobody can change it in between.
        manifest = _staged(args.manifest, staging)
        target = dest / manifest.name
        if target.exists() and not (args.replace or args.dry_run):
            raise CannotWriteError(
                f"There is an own model {manifest.name!r} already; use --replace, or remove it."
            )
        answer = _trial(manifest, args, media, staging)
        _report(manifest, answer, as_json=args.json)
        if not args.dry_run:
            (staging / own_models.GOLDEN).write_bytes(
                args.golden.read_bytes() if args.golden else base64.b64decode(answer["recorded"])
            )
            _install(staging, target)
            _say(args, f"Installed as {target}. To use it: [models] {manifest.kind} = "
                 f'"{manifest.name}"')  # fmt: skip
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return ExitCode.DONE


def _say(args: argparse.Namespace, line: str) -> None:
    print(line, file=sys.stderr if args.json else sys.stdout)


def _media(clip: Path | None) -> tuple[Path | None, Path | None]:
    """Return sound and pictures of the clip to replay, as paths that do not depend on a folder."""
    if clip is None:
        from edge_affect import demo_clip

        video, audio = demo_clip.ensure(lambda line: print(line, file=sys.stderr))
        return audio.absolute(), video.absolute()
    from edge_affect.capture.media_file import probe

    facts = probe(clip)
    return (None, clip.absolute()) if facts.has_video else (clip.absolute(), None)


def _staged(path: Path, staging: Path) -> Manifest:
    """Copy a manifest and what belongs to it into a folder, checked, and return it from there.

    Raises:
        InputMissingError: If a file is not there.
        ManifestError: If the manifest does not fit an own model.
        ModelError: If the model file is too large or not the one that the manifest describes.
    """
    import hashlib

    from edge_affect.perception.manifest import load_manifest

    copy = staging / own_models.MANIFEST
    copy.write_bytes(_content(path, MAX_TEXT_BYTES, "manifest"))
    try:
        manifest = load_manifest(copy)
    except ManifestError as error:
        raise ManifestError(str(error).replace(str(copy), str(path))) from None
    if manifest.kind not in own_models.REPLACEABLE:
        raise ManifestError(
            f"{path}: a model of the kind {shown(manifest.kind)} cannot be one's own; these can: "
            f"{', '.join(own_models.REPLACEABLE)}."
        )
    if re.fullmatch(own_models.NAME, manifest.name) is None:
        raise ManifestError(
            f"{path}: name {shown(manifest.name)} must be small letters, digits, - and _."
        )
    if manifest.source is not None:
        raise ManifestError(f"{path}: [source] is for fetched models; an own one brings its file.")
    if manifest.file in {own_models.MANIFEST, own_models.GOLDEN}:
        raise ManifestError(f"{path}: the model file cannot be called {manifest.file}.")
    content = _content(path.parent / manifest.file, MAX_MODEL_BYTES, "model file")
    digest = hashlib.sha256(content).hexdigest()
    if digest != manifest.sha256:
        raise ModelError(
            f"The model file {path.parent / manifest.file} is not the one of its manifest: its "
            f"sha256 begins {digest[:12]}, the manifest says {manifest.sha256[:12]}."
        )
    # The first bytes of every file of this format, behind an offset.
    if content[4:8] != b"TFL3":
        raise ModelError(f"{path.parent / manifest.file} is no TFLite model.")
    (staging / manifest.file).write_bytes(content)
    card = path.with_suffix(".md")
    if card.is_file():
        (staging / card.name).write_bytes(_content(card, MAX_TEXT_BYTES, "card"))
    return manifest


def _content(path: Path, most: int, what: str) -> bytes:
    """Return a regular file of bounded size.

    Raises:
        InputMissingError: If it is not there, no file, or cannot be read.
        ModelError: If it is larger.
    """
    if not path.is_file():
        raise InputMissingError(f"There is no {what} {path}; check the path.")
    try:
        with path.open("rb") as file:
            content = file.read(most + 1)
    except OSError as error:
        raise InputMissingError(f"The {what} {path} cannot be read: {error.strerror}.") from None
    if len(content) > most:
        raise ModelError(f"The {what} {path} is larger than {most // 1_000_000} MB.")
    return content


def _trial(
    manifest: Manifest,
    args: argparse.Namespace,
    media: tuple[Path | None, Path | None],
    staging: Path,
) -> dict[str, Any]:
    """Return what the process of the trial answers.

    Raises:
        EdgeAffectError: What it says itself, or that it crashed or did not end.
    """
    from edge_affect.perception.model_store import user_models_dirs

    golden = None
    if args.golden is not None:
        golden = staging / own_models.GOLDEN
        golden.write_bytes(_content(args.golden, MAX_MODEL_BYTES, "file of kept answers"))
    audio, video = media
    config = None if args.config is None else args.config.absolute()
    readable = [staging, *user_models_dirs(), *filter(None, (audio, video, config))]
    request = {
        "manifest": str(manifest.path.absolute()),
        "golden": golden and str(golden.absolute()),
        "audio": audio and str(audio),
        "video": video and str(video),
        "config": config and str(config),
        "readable": [str(path.absolute()) for path in readable if path.exists()],
        "caged": not args.without_cage,
    }
    command = [sys.executable, "-P", "-m", "edge_affect.model_trial"]
    if sys.version_info < (3, 11):
        command.remove("-P")
    try:
        done = subprocess.run(
            command, input=json.dumps(request), capture_output=True, text=True,
            timeout=TRIAL_TIMEOUT_S, check=False, env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise ModelError(
            f"The trial of {manifest.name} did not end within {TRIAL_TIMEOUT_S:.0f} s."
        ) from None
    if done.returncode < 0:
        raise ModelError(
            f"The model {manifest.name} brought its process down "
            f"({signal.Signals(-done.returncode).name}): its file is damaged or hostile, or wants "
            "more memory or time than a model may."
        )
    try:
        answer: dict[str, Any] = json.loads(done.stdout)
    except json.JSONDecodeError:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise ModelError(
            f"The trial of {manifest.name} ended with {done.returncode}: {last[:200]}."
        ) from None
    if "error" in answer:
        raise errors_by_code(answer["exit_code"])(
            str(answer["error"]).replace(str(staging), str(args.manifest.parent))
        )
    return answer


def _report(manifest: Manifest, answer: dict[str, Any], *, as_json: bool) -> None:
    """Print what a trial found."""
    before, after = answer["before"], answer["after"]
    others = sum(a["expression"] != b["expression"] for a, b in zip(before, after, strict=True))
    if as_json:
        kept = {name: value for name, value in answer.items() if name != "recorded"}
        print(json.dumps({"name": manifest.name, "kind": manifest.kind, **kept}))
        return
    print(
        f"{manifest.name} {manifest.version} ({manifest.kind}): {answer['inference_ms']} ms an "
        f"inference, {answer['memory_mb']} MB."
    )
    if answer["golden"]:
        print(f"All {answer['golden']['values']} kept answers are given.")
    print(f"On the clip, {len(before)} ticks, {others} of them with another expression:")
    print(f"  {'mean level':12s}{'before':>8s}{'after':>8s}")
    for name in EXPRESSIONS:
        print(f"  {name:12s}{_mean(before, name):>8s}{_mean(after, name):>8s}")
    print(f"  {'abstained':12s}{_abstained(before):>8s}{_abstained(after):>8s}")
    print(f"  {'s':>4s}  {'before':12s}after")
    for second, (a, b) in enumerate(zip(before, after, strict=True)):
        if a["expression"] != b["expression"]:
            print(f"  {second + 1:4d}  {_word(a):12s}{_word(b)}")


def _word(vector: dict[str, Any]) -> str:
    return vector["expression"] or "-"


def _mean(vectors: list[dict[str, Any]], name: str) -> str:
    levels = [v["expressions"][name] for v in vectors if v["abstained"] is None]
    levels = [level for level in levels if level is not None]
    return f"{sum(levels) / len(levels):.2f}" if levels else "-"


def _abstained(vectors: list[dict[str, Any]]) -> str:
    return f"{sum(v['abstained'] is not None for v in vectors) / max(1, len(vectors)):.0%}"


def _install(staging: Path, target: Path) -> None:
    """Give a finished folder its name; an older one of that name goes in the same moment."""
    try:
        for path in staging.iterdir():
            path.chmod(0o644)
        staging.chmod(0o755)
        old = target.with_name(f".old-{target.name}-{os.getpid()}")
        if target.exists():
            target.rename(old)
        staging.rename(target)
        shutil.rmtree(old, ignore_errors=True)
    except OSError as error:
        raise CannotWriteError(f"{target} cannot be written: {error.strerror}.") from None


def run_list(args: argparse.Namespace) -> int:
    """List own models."""
    from edge_affect.perception.model_check import check_model

    models = configuration.load(args.config).models if args.config.is_file() else None
    rows = []
    for path in own_models.installed():
        verdict = check_model(path)
        used = models is not None and getattr(models, verdict.kind, "") == verdict.name
        rows.append(
            {
                "name": path.parent.name,
                "version": verdict.version,
                "kind": verdict.kind,
                "state": verdict.state,
                "in_use": used,
                "path": str(path.parent),
                "message": verdict.message or None,
            }
        )
    if args.json:
        print(json.dumps({"models": rows}, indent=2))
        return ExitCode.DONE
    if not rows:
        print("There are no own models; add one with: edge-affect models add FILE")
    for row in rows:
        use = "in use" if row["in_use"] else "not in use"
        print(
            f"{row['name']}  {row['version']}  {row['kind']}  {row['state']}  {use}  {row['path']}"
        )
        if row["message"]:
            print(row["message"], file=sys.stderr)
    return ExitCode.DONE


def run_remove(args: argparse.Namespace) -> int:
    """Remove an own model that the configuration does not name."""
    folder = own_models.own_manifest(args.name).parent
    if args.config.is_file():
        used = configuration.load(args.config).models
        for kind in own_models.REPLACEABLE:
            if getattr(used, kind) == args.name:
                raise UsageError(
                    f"{args.config} uses {args.name} as [models] {kind}; change that first."
                )
    try:
        gone = folder.with_name(f".old-{folder.name}-{os.getpid()}")
        folder.rename(gone)
        shutil.rmtree(gone)
    except OSError as error:
        raise CannotWriteError(f"{folder} cannot be removed: {error.strerror}.") from None
    print(f"Removed {folder}.")
    return ExitCode.DONE
