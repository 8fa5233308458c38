"""What reports say, in every language they speak; a missing sentence is a type error."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Texts:
    """All sentences of one language; names in braces are filled in from the results."""

    html_lang: str
    list_comma: str
    title_calls: str
    title_lesson: str
    title_show: str
    lead_calls: str
    lead_lesson: str
    lead_show: str
    basis: str
    range_is: str
    too_few: str
    too_few_of: str
    unit_calls: str
    whole_calls: str
    whole_blocks: str
    unit_stretches: str
    unit_blocks: str
    unit_minutes: str
    unit_hours: str
    none: str
    call: str
    time: str
    section: str
    coverage: str
    coverage_name: str
    confidence: str
    confidence_name: str
    abstained: str
    valence: str
    valence_name: str
    anger: str
    anger_name: str
    stretches_name: str
    length_name: str
    seconds: str
    overview: str
    anger_heading: str
    anger_how: str
    course_label: str
    course_caption: str
    course_anger: str
    course_valence: str
    course_level: str
    course_axis: str
    rose_caption: str
    tenth: str
    rose: str
    fell: str
    worst_heading: str
    worst_how: str
    worst_caption: str
    phrases_heading: str
    phrases_off: str
    phrases_none: str
    phrases_how: str
    phrases_order: str
    phrases_unranked: str
    phrases_linked: str
    phrases_unlinked: str
    n_of: str
    named: str
    list_semicolon: str
    full_stop: str
    phrase: str
    said: str
    in_calls: str
    near: str
    times_chance: str
    legal_basis: str
    attention: str
    engagement: str
    confusion: str
    laughter: str
    applause: str
    cheering: str
    lines_label: str
    lines_caption: str
    time_axis: str
    level_axis: str
    parts_caption: str
    parts_equal: str
    diff_label: str
    diff_caption: str
    diff_axis: str
    lost: str
    confused: str
    no_part: str
    part_too_few: str
    no_group: str
    not_compared: str
    sounds_label: str
    sounds_caption: str
    per_minute: str
    sound_column: str
    counted: str
    sound_how: str
    no_sound: str
    peaks: str
    sounds_heading: str
    group_heading: str
    peaks_caption: str
    peaks_few: str
    minute: str
    together: str
    shows_parts: str
    heard: str
    thresholds_heading: str
    thresholds_how: str
    unit_recordings: str
    unit_ten_minutes: str
    rule: str
    now: str
    now_week: str
    proposed: str
    proposed_week: str
    thresholds_caption: str
    keep_quiet: str
    keep_busy: str
    enough_is: str
    toml: str
    no_rules: str
    nothing: str
    footer_heading: str
    footer_measures: str
    footer_never: str
    footer_how: str
    footer_minimum_calls: str
    footer_minimum_parts: str
    weak_heading: str
    weak_voice: str
    weak_face: str
    weak_states: str
    weak_sounds: str
    models: str
    model: str
    policy_heading: str
    policy_setting: str
    policy_none: str
    policy_exception: str
    policy_one_channel: str
    policy_no_camera: str
    policy_group_only: str
    policy_no_words: str
    policy_words: str
    made_by: str


EN = Texts(
    html_lang="en",
    list_comma=", ",
    title_calls="What calls have in common",
    title_lesson="How lessons and talks went over",
    title_show="How shows went over",
    lead_calls="Expressed affect on the customer's channel, over all calls together. It helps "
    "to find where to listen and what to mend. It says nothing about the people who took "
    "the calls.",
    lead_lesson="What groups of at least {n} faces showed, section by section. No value "
    "belongs to one person.",
    lead_show="When the audience laughed and applauded, and what groups of at least {n} faces "
    "showed.",
    basis="Recordings: {n}, with {hours} hours together; {nothing} of them tell nothing. Could "
    "not be analysed: {failed}.",
    range_is="{level} % interval {low} to {high}; n\u00a0=\u00a0{n}",
    too_few="too few",
    too_few_of="{n} of at least {least} {unit}",
    unit_calls="calls",
    whole_calls="whole calls",
    whole_blocks="whole blocks of {s} s",
    unit_stretches="stretches",
    unit_blocks="blocks of {s} s",
    unit_minutes="minutes",
    unit_hours="hours",
    none="none",
    call="Call",
    time="Time",
    section="Section",
    coverage="Told",
    coverage_name="Share of time that tells something",
    confidence="Confidence",
    confidence_name="Mean confidence of what is told",
    abstained="In the rest of the time nothing is told: nobody was there, too little was "
    "clear, or too few people made a group.",
    valence="valence",
    valence_name="Mean valence, -1 to 1",
    anger="anger",
    anger_name="Calls with an angry stretch",
    stretches_name="Angry stretches that fell again before the call was over",
    length_name="Mean length of an angry stretch",
    seconds="{s} s",
    overview="Overview",
    anger_heading="Where anger rises, and where it falls again",
    anger_how="An angry stretch begins where anger, smoothed over {half} s, reaches {rise} and "
    "ends at {fall}; it lasts at least {least} s. {n} were found.",
    course_label="Anger and valence over the course of a call, in tenths, with 95 % intervals "
    "over calls. {values}",
    course_caption="Mean over all calls in each tenth of a call. Bands: 95 % intervals, "
    "drawing whole calls anew. Tenths in which fewer than {least} calls tell something "
    "are left out.",
    course_anger="Anger",
    course_valence="Valence",
    course_level="mean: anger 0 to 1, valence -1 to 1",
    course_axis="share of the call that is over",
    rose_caption="Angry stretches by the tenth of the call in which they rose and fell again "
    "(counts)",
    tenth="Tenth",
    rose="rose",
    fell="fell again",
    worst_heading="Stretches worth listening to",
    worst_how="Windows of {s} s with the most negative valence, {of_call} of a call at most. "
    "Intervals draw blocks of 5 s within a window; where they overlap, the order says "
    "nothing. The lowest of many windows look worse than they are.",
    worst_caption="Stretches of the lowest valence",
    phrases_heading="Pain points: phrases around angry stretches",
    phrases_off="Not told. Which configured phrases were said is told only where the analysis "
    "had [insights] phrases = true and a line in [deployment] legal_basis.",
    phrases_none="No phrases were configured.",
    phrases_how="Near means within {s} s of an angry stretch. Times chance compares that with "
    "how much of all time is near one: 1 is chance, and an interval that holds 1 shows "
    "no link. Its intervals draw whole calls and are at {level} %, so that all phrases "
    "together are right 95 times in 100. A link is no cause.",
    phrases_order="Ordered by how often they are near, the most often first.",
    phrases_unranked="Ordered by name: to rank, each phrase needs {calls} calls and all "
    "together {stretches} angry stretches.",
    phrases_linked="More often near anger than by chance: {names}.",
    phrases_unlinked="No phrase is near anger more often than by chance.",
    n_of="{n} of {all}",
    named="{name}: {value}",
    list_semicolon="; ",
    full_stop=".",
    phrase="Phrase",
    said="Said",
    in_calls="In share of calls",
    near="Near an angry stretch",
    times_chance="Times chance",
    legal_basis="Legal basis",
    attention="attention",
    engagement="engagement",
    confusion="confusion",
    laughter="laughter",
    applause="applause",
    cheering="cheering",
    lines_label="{names} over the time of {recording}, means of the group. {values}",
    lines_caption="Group means over time. Broken lines and numbers: sections. Gaps: nothing is "
    "told of a group.",
    time_axis="time",
    level_axis="level, 0 to 1",
    parts_caption="Sections: mean of the group with its {level} % interval",
    parts_equal="There are no markers: sections are of equal length.",
    diff_label="{state}: each section against all others. {values}",
    diff_caption="{state}, each section less all others, with intervals at {level} %, so that "
    "all {n} comparisons together are right 95 times in 100. An interval that holds 0 "
    "shows no difference.",
    diff_axis="difference",
    lost="Lost people: section {parts}. Attention or engagement is lower there than in the "
    "other sections, beyond chance.",
    confused="Confused people: section {parts}. Signs of confusion are stronger there than in "
    "the other sections, beyond chance.",
    no_part="No section differs from the others beyond chance.",
    part_too_few="No section can be compared: at least two need {n} blocks of {s} s that tell "
    "of a group.",
    no_group="Nothing is told of groups in this recording: there were never {n} faces at a "
    "time, or it has no pictures.",
    not_compared="Recordings are listed by name and never compared: that would compare those "
    "who teach or perform.",
    sounds_label="Laughter and applause over the time of {recording}: {values}",
    sounds_caption="Level of laughter and applause; shaded where they go on. Broken lines and "
    "numbers: sections.",
    per_minute="{name} a minute",
    sound_column="{name} a minute; all its seconds",
    counted="{n} times, {s} s together",
    sound_how="A sound goes on from a level of {level} on; pauses of up to {hold} s are "
    "bridged. Rates have exact Poisson intervals, which take events for independent: "
    "laughs come in runs, so true intervals are wider. Sections with less than {least} "
    "minutes heard have no rate.",
    no_sound="Nothing is told of sounds in this recording.",
    peaks="Peaks",
    sounds_heading="What was heard",
    group_heading="What the group showed",
    peaks_caption="Minutes with the most laughter and applause",
    peaks_few="No peaks are named: they need {minutes} minutes and {events} laughs or rounds "
    "of applause.",
    minute="Minute",
    together="Seconds of both",
    shows_parts="Sections: how often and how long",
    heard="Heard",
    thresholds_heading="Alert thresholds for this site",
    thresholds_how="Each alert rule was carried out on these recordings with other thresholds, "
    "all else as configured ({hours} hours; {unit}: {units}), as if the box watched "
    "{per_week} hours a week. Proposed is the threshold just beyond the last one that "
    "would raise more than {wanted} alerts a week. Intervals draw {unit} anew. Proposals "
    "come from recordings, and a site that changes needs new ones.",
    unit_recordings="recordings",
    unit_ten_minutes="blocks of ten minutes",
    rule="Alert rule",
    now="Threshold now",
    now_week="Alerts a week now",
    proposed="Proposed",
    proposed_week="Alerts a week then",
    thresholds_caption="Thresholds now and proposed, with 95 % intervals",
    keep_quiet="none: no threshold tried raises as many",
    keep_busy="none: even the hardest threshold raises more",
    enough_is="Where it says too few: a proposal takes {hours} h of recordings ({unit}: "
    "{units} at least), so that a few alerts fall into them at the wanted rate, and an "
    "alert raised {raised} times.",
    toml="Nothing is applied. Whoever runs the box pastes these lines into its configuration, "
    "or does not:",
    no_rules="The analysis had no alert rules.",
    nothing="Nothing can be told: no recording says anything.",
    footer_heading="What this measures, and what it does not",
    footer_measures="It measures expressed affect: what voices sound like and faces show, in "
    "rough levels once a second. People show what they do not feel and feel what they do "
    "not show.",
    footer_never="It knows nobody, compares no persons, and must not decide about a person: "
    "not about marks, pay, health, honesty or access. Figures are over calls, sections "
    "and groups.",
    footer_how="Intervals are at 95 % unless said otherwise. Means draw {unit} anew 1000 "
    "times, widened to Student's t where there are few; shares of calls have Wilson's "
    "interval. They cover chance in sampling and not the errors of the models. Slow "
    "swings that outlast a block make them too narrow.",
    footer_minimum_calls="Nothing is ranked or compared with fewer than {calls} calls, or with "
    "fewer than {stretches} angry stretches where it is about these.",
    footer_minimum_parts="Nothing is ranked or compared with fewer than {blocks} blocks of {s} "
    "s told in a section. A difference of less than half a step of what a record can "
    "tell counts for none.",
    weak_heading="Models, and where they are weak",
    weak_voice="Voice: learned from acted English sentences in quiet rooms. In calm meetings "
    "it hears fear in one window of five. Other languages, children, loud rooms and "
    "several people at once were not measured or cost it much.",
    weak_face="Faces: learned from web pictures; disgust, fear and contempt are mostly missed, "
    "sadness and anger are taken for neutral. Turned, covered and tiny faces are read "
    "worse.",
    weak_states="Valence, attention, engagement and confusion are documented formulas that no "
    "labelled data has validated. Attention means facing the camera, not listening; "
    "confusion means drawn brows and pauses, not failing to understand.",
    weak_sounds="Sounds: most single laughs stay below the level that counts, so laughs are "
    "undercounted; dogs, saws and coughs come close to them. Cheering is a rule of thumb.",
    models="Models of the analysis",
    model="Model",
    policy_heading="Where this was recorded, and what applies",
    policy_setting="Setting: {setting}; jurisdiction: {jurisdiction}; purpose: {purpose}; "
    "contact: {contact}.",
    policy_none="No place was declared, so no rule of a place was applied to the analysis. "
    "Whoever uses this report has to see to it.",
    policy_exception="Declared exception: {exception}.",
    policy_one_channel="Only the customer's channel was analysed, never the employee's.",
    policy_no_camera="Pictures were left out.",
    policy_group_only="Only groups of at least {n} faces are told.",
    policy_no_words="What is said was not listened to.",
    policy_words="This report holds no transcript; none is ever made of a recording's words "
    "outside memory.",
    made_by="Made by edge-affect {version}.",
)
