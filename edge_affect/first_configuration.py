"""The first configuration of a box, from the answers to a few questions.

Answers come from options, a file or the environment; what is missing is asked for at a terminal.
The file is the annotated example with the answers in it, and is written only when the program
itself accepts it and the deployment policy lets it start.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge_affect import config
from edge_affect.broker_settings import BROKER_HOST
from edge_affect.errors import ConfigError, EdgeAffectError, UsageError
from edge_affect.keys import toml_value
from edge_affect.privacy import policy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

ENV_PREFIX = "EDGE_AFFECT_ANSWER_"
YES_NO = ("yes", "no")


@dataclass(frozen=True, slots=True)
class Question:
    """One question.

    Attributes:
        name: Of the answer, in options, files and the environment.
        text: As asked, without the choices.
        default: Taken for an empty answer; None where one must be given.
        choices: Allowed answers; empty for free text.
        when: Earlier answer and the values of it for which this is asked.
        sets: Table and key that take the answer as it is; None where code decides.
        is_secret: Not echoed, and not written into the configuration.
        pattern: That a free answer must match as a whole.
    """

    name: str
    text: str
    default: str | None = None
    choices: tuple[str, ...] = ()
    when: tuple[str, tuple[str, ...]] | None = None
    sets: tuple[str, str] | None = None
    is_secret: bool = False
    pattern: str = r"[^\x00-\x1f\x7f]{0,200}"

    def is_asked(self, answers: Mapping[str, str]) -> bool:
        """Whether earlier answers leave it open."""
        return self.when is None or answers.get(self.when[0]) in self.when[1]

    def wrong(self, answer: str) -> str:
        """Return what is wrong with an answer in one clause, empty where nothing is."""
        if not answer and self.default is None:
            return f"{self.name} needs an answer"
        if self.choices and answer not in self.choices:
            return f"{self.name} must be one of {', '.join(self.choices)}"
        if not self.choices and re.fullmatch(self.pattern, answer) is None:
            return f"{self.name} cannot be {answer[:40]!r}"
        return ""


_EXISTING = ("broker", ("existing",))
QUESTIONS: tuple[Question, ...] = (
    Question("setting", "What kind of place is it?", choices=config.SETTINGS,
             sets=("deployment", "setting")),
    Question("jurisdiction", "Whose law applies?", choices=config.JURISDICTIONS,
             sets=("deployment", "jurisdiction")),
    Question("exception", "Is a medical or safety reason declared?", "none",
             ("none", "medical", "safety"), when=("setting", config.GROUP_SETTINGS)),
    Question("purpose", "Why is affect sensed here? One line for people",
             sets=("deployment", "purpose")),
    Question("contact", "Whom can people ask?", sets=("deployment", "contact")),
    Question("site", "First level of the topic: the site", "site", sets=("device", "site"),
             pattern=config.TOPIC_LEVEL),
    Question("name", "Second level: this box", "box", sets=("device", "name"),
             pattern=config.TOPIC_LEVEL),
    Question("microphone", "Is there a microphone?", "yes", YES_NO),
    Question("channel", "Which of its channels is the customer's?", "1",
             when=("setting", ("contact-centre",)), pattern=r"[1-9][0-9]?"),
    Question("camera", "Which camera: camera is USB or V4L2, picamera2 a Pi camera",
             "camera", ("camera", "picamera2", "none"), sets=("video", "source")),
    Question("broker", "MQTT broker: set one up here (local), or use an existing one?", "local",
             ("local", "existing")),
    Question("host", "Its name or address", None, when=_EXISTING, sets=("mqtt", "host"),
             pattern=BROKER_HOST),
    Question("tls", "Does it speak TLS?", "yes", YES_NO, when=_EXISTING),
    Question("port", "Its port; empty for 8883 with TLS, 1883 without", "", when=_EXISTING,
             pattern=r"[0-9]{0,5}"),
    Question("ca_file", "File with its certificate authority; empty for those of the system", "",
             when=("tls", ("yes",)), sets=("mqtt", "ca_file")),
    Question("username", "User name there; empty for none", "", when=_EXISTING,
             sets=("mqtt", "username")),
    Question("password", "Password", "", when=_EXISTING, is_secret=True),
)  # fmt: skip
NAMES = tuple(question.name for question in QUESTIONS)
LOCAL_CA_FILE = "/etc/edge-affect/ca.pem"


def answers_in(lines: Iterable[str], where: str) -> dict[str, str]:
    """Return the answers of lines like ``setting=home``; ``#`` starts a comment line.

    Raises:
        UsageError: If a line is none, or names no question.
    """
    found = {}
    for line in lines:
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, equals, value = line.partition("=")
        if not equals:
            raise UsageError(f"{where}: {line.strip()[:40]!r} is not NAME=ANSWER.")
        if name.strip() not in NAMES:
            raise UsageError(
                f"{where}: there is no question {name.strip()[:40]!r}; there are: "
                f"{', '.join(NAMES)}."
            )
        found[name.strip()] = value.strip()
    return found


def answers_of_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the answers in variables such as ``EDGE_AFFECT_ANSWER_SETTING``."""
    names = {f"{ENV_PREFIX}{name.upper()}": name for name in NAMES}
    return {name: environment[key] for key, name in names.items() if key in environment}


def complete(given: Mapping[str, str], ask: Callable[[Question], str] | None) -> dict[str, str]:
    """Return all answers: those given, those asked for, defaults for the rest.

    Args:
        given: Answers by name.
        ask: Asks one question, or None where nobody can be asked.

    Raises:
        UsageError: If an answer is missing or wrong and nobody can be asked.
    """
    answers: dict[str, str] = {}
    missing = []
    for question in QUESTIONS:
        if not question.is_asked(answers):
            continue
        if question.name in given:
            answer = given[question.name]
            if wrong := question.wrong(answer or question.default or ""):
                raise UsageError(f"The answer does not fit: {wrong}.")
            answers[question.name] = answer or question.default or ""
        elif ask is not None:
            answers[question.name] = ask(question)
        elif question.default is not None:
            answers[question.name] = question.default
        else:
            missing.append(question.name)
    if missing:
        raise UsageError(
            f"There is no answer for {', '.join(missing)}; give them with --set NAME=ANSWER or an "
            "answers file, or run this at a terminal."
        )
    return answers


def text_of(answers: Mapping[str, str]) -> str:
    """Return the configuration file for complete answers.

    Raises:
        EdgeAffectError: If the program would not start with it; the sentence is its own.
    """
    values: dict[tuple[str, str], str | int | bool] = {
        question.sets: answers[question.name]
        for question in QUESTIONS
        if question.sets is not None and question.name in answers
    }
    exception = answers.get("exception", "none")
    values["deployment", "exception"] = "" if exception == "none" else exception
    values["audio", "source"] = "microphone" if answers["microphone"] == "yes" else "none"
    values["audio", "channel"] = int(answers.get("channel", "0"))
    if answers["camera"] == "picamera2":
        values["video", "device"] = "0"
    if answers["microphone"] == "no" and answers["camera"] == "none":
        raise ConfigError("Without a microphone and a camera there is nothing to sense.")
    if answers["broker"] == "local":
        values["mqtt", "host"] = "localhost"
        values["mqtt", "port"] = 8883
        values["mqtt", "ca_file"] = LOCAL_CA_FILE
        values["mqtt", "username"] = f"{answers['site']}.{answers['name']}"
    else:
        is_tls = answers["tls"] == "yes"
        values["mqtt", "tls"] = is_tls
        values["mqtt", "port"] = int(answers["port"] or (8883 if is_tls else 1883))
    text = _example_with(values)
    settings = config.parse(text, "The configuration from these answers")
    policy.check_live(settings)
    return text


def interview(ask: Callable[[Question], str], given: Mapping[str, str], say: Callable[[str], None]
              ) -> tuple[dict[str, str], str]:  # fmt: skip
    """Return answers and configuration, asking again where the program does not accept them."""
    while True:
        answers = complete(given, ask)
        try:
            return answers, text_of(answers)
        except EdgeAffectError as error:
            if all(name in given for name in answers):
                raise
            say(f"{error} Once more:")


def checked_answer(question: Question, reply: str) -> tuple[str, str]:
    """Return a reply as an answer, and what is wrong with it; a number picks a choice."""
    reply = reply.strip()
    if not reply and question.default is not None:
        return question.default, ""
    if question.choices and reply.isdecimal() and 1 <= int(reply) <= len(question.choices):
        return question.choices[int(reply) - 1], ""
    return reply, question.wrong(reply)


def _example_with(values: Mapping[tuple[str, str], str | int | bool]) -> str:
    """Return the example file with other values under some keys."""
    lines, table, done = [], "", set()
    for line in config.example().splitlines():
        if line.startswith("["):
            table = line.strip("[]")
        name = line.split(" = ")[0]
        if (table, name) in values and not line.startswith("#"):
            line = f"{name} = {toml_value(values[table, name])}"  # noqa: PLW2901 (the same line)
            done.add((table, name))
        lines.append(line)
    if left := set(values) - done:
        raise ConfigError(f"The example has no place for {sorted(left)}; report it.")
    return "\n".join(lines) + "\n"


def without_secrets(answers: Mapping[str, str]) -> str:
    """Return answers as a file that can be given again."""
    secrets = {question.name for question in QUESTIONS if question.is_secret}
    rows = [f"{name}={value}" for name, value in answers.items() if name not in secrets]
    return "\n".join(["# Answers for: edge-affect config ask --answers", *rows]) + "\n"
