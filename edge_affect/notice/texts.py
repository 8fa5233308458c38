"""What the notice says, in every language it speaks; a missing sentence is a type error."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Texts:
    """All sentences of one language; names in braces are filled in from the configuration."""

    html_lang: str
    title: str
    subtitle: str
    purpose: str
    measured: str
    measured_voice: str
    measured_face: str
    measured_words: str
    measured_limit: str
    leaves: str
    leaves_text: str
    leaves_group: str
    leaves_noisy: str
    never: str
    never_text: str
    retention: str
    retention_text: str
    retention_unsent: str
    ceiling: str
    ceiling_text: str
    hours: str
    hours_text: str
    local_time: str
    days: tuple[str, ...]
    legal_basis: str
    exception: str
    exception_medical: str
    exception_safety: str
    rights: str
    rights_text: str
    contact: str
    contact_code: str


EN = Texts(
    html_lang="en",
    title="Emotion recognition is running here",
    subtitle="A device in this place measures how people seem to feel. It does not recognise "
    "anybody, and it records nothing.",
    purpose="Why",
    measured="What is measured",
    measured_voice="How voices sound (microphone)",
    measured_face="What faces show (camera)",
    measured_words="Whether what is said is positive or negative, and whether a few set phrases "
    "are said (microphone)",
    measured_limit="It reads what is shown, which is not always what is felt, and it can be wrong.",
    leaves="What leaves the device",
    leaves_text="{n_bytes} bytes of rough levels, {n_per_s}× per second: expressions, mood, how "
    "many people (as a range), how much is spoken, and how the device is doing.",
    leaves_group="Nothing about moods while fewer than {min_people} people are present.",
    leaves_noisy="Moods change in it once in {noise_min} minutes only: a mean over at least "
    "{min_people} people, blurred by chance.",
    never="What never leaves the device",
    never_text="Pictures, sound, words, names, or anything to recognise somebody by.",
    retention="How long it is kept",
    retention_text="Pictures and sound: {raw_s} seconds. They are turned into levels in memory "
    "and are gone.",
    retention_unsent="Levels that cannot be sent wait in the device for at most {unsent_min} "
    "minutes.",
    ceiling="How much could leak at most",
    ceiling_text="{bits_per_s} bits per second, whatever goes wrong inside: the device has no "
    "other way out.",
    hours="When",
    hours_text="Only {hours} ({time_zone})",
    local_time="local time",
    days=("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
    legal_basis="Legal basis",
    exception="Declared exception",
    exception_medical="Medical reasons",
    exception_safety="Safety reasons",
    rights="You do not want this?",
    rights_text="Say so, or ask whatever you want to know. The device can be switched off.",
    contact="Contact",
    contact_code="Scan to get in touch",
)

DE = Texts(
    html_lang="de",
    title="Hier läuft eine Emotionserkennung",
    subtitle="Ein Gerät an diesem Ort misst, wie Menschen gestimmt wirken. Es erkennt niemanden "
    "wieder und zeichnet nichts auf.",
    purpose="Wozu",
    measured="Was gemessen wird",
    measured_voice="Wie Stimmen klingen (Mikrofon)",
    measured_face="Was Gesichter zeigen (Kamera)",
    measured_words="Ob das Gesagte positiv oder negativ ist und ob wenige festgelegte Sätze fallen",
    measured_limit="Gemessen wird, was jemand zeigt. Das ist nicht immer, was jemand fühlt, und "
    "das Gerät kann sich irren.",
    leaves="Was das Gerät verlässt",
    leaves_text="{n_per_s}× pro Sekunde {n_bytes} Byte mit groben Stufen: Ausdruck, Stimmung, "
    "ungefähr wie viele Menschen da sind, wie viel gesprochen wird und wie es dem Gerät geht.",
    leaves_group="Nichts über Stimmungen, solange weniger als {min_people} Menschen da sind.",
    leaves_noisy="Stimmungen ändern sich darin nur alle {noise_min} Minuten: ein Mittel über "
    "mindestens {min_people} Menschen, durch Zufall verwischt.",
    never="Was das Gerät nie verlässt",
    never_text="Bilder, Töne, Worte, Namen oder irgendetwas, woran man jemanden erkennt.",
    retention="Wie lange es aufbewahrt wird",
    retention_text="Bilder und Töne: {raw_s} Sekunden. Sie werden im Arbeitsspeicher zu Stufen "
    "und sind dann weg.",
    retention_unsent="Stufen, die nicht gesendet werden können, warten höchstens {unsent_min} "
    "Minuten im Gerät.",
    ceiling="Wie viel höchstens nach außen dringen kann",
    ceiling_text="{bits_per_s} Bit pro Sekunde, was auch immer im Inneren schiefgeht: Einen "
    "anderen Weg nach außen hat das Gerät nicht.",
    hours="Wann",
    hours_text="Nur {hours} ({time_zone})",
    local_time="Ortszeit",
    days=("Mo", "Di", "Mi", "Do", "Fr", "Sa", "So"),
    legal_basis="Rechtsgrundlage",
    exception="Erklärte Ausnahme",
    exception_medical="Medizinische Gründe",
    exception_safety="Sicherheitsgründe",
    rights="Sie möchten das nicht?",
    rights_text="Sagen Sie es, oder fragen Sie, was immer Sie wissen wollen. Das Gerät lässt sich "
    "abschalten.",
    contact="Kontakt",
    contact_code="Scannen, um Kontakt aufzunehmen",
)

ZH = Texts(
    html_lang="zh-Hans",
    title="此处正在进行情绪识别",
    subtitle="此处的一台设备测量人们看起来的情绪。它不识别任何人的身份，也不做任何录制。",
    purpose="目的",
    measured="测量什么",
    measured_voice="声音听起来如何（麦克风）",
    measured_face="面部表情如何（摄像头）",
    measured_words="所说的话是积极还是消极，以及是否说出了少数预设的短语",
    measured_limit="设备只读取表现出来的情绪，这不一定是真实的感受，也可能出错。",
    leaves="什么会离开设备",
    leaves_text="每秒 {n_per_s} 次，每次 {n_bytes} 字节的粗略等级："
    "表情、情绪、人数范围、说话的多少，以及设备状态。",
    leaves_group="在场人数少于 {min_people} 人时，不发送任何情绪信息。",
    leaves_noisy="其中的情绪每 {noise_min} 分钟才更新一次："
    "至少 {min_people} 人的平均值，并加入随机误差。",
    never="什么绝不会离开设备",
    never_text="图像、声音、话语、姓名，或任何可用来辨认个人的信息。",
    retention="保存多久",
    retention_text="图像和声音：{raw_s} 秒。它们在内存中变成等级后即消失。",
    retention_unsent="无法发送的等级最多在设备中等待 {unsent_min} 分钟。",
    ceiling="最多可能泄露多少",
    ceiling_text="每秒 {bits_per_s} 比特，无论设备内部出现什么问题：设备没有其他出口。",
    hours="时间",
    hours_text="仅限 {hours}（{time_zone}）",
    local_time="当地时间",
    days=("周一", "周二", "周三", "周四", "周五", "周六", "周日"),
    legal_basis="法律依据",
    exception="声明的例外",
    exception_medical="医疗原因",
    exception_safety="安全原因",
    rights="您不希望这样？",
    rights_text="请告诉我们，或询问您想了解的一切。设备可以关闭。",
    contact="联系方式",
    contact_code="扫码联系",
)

LANGUAGES: dict[str, Texts] = {"en": EN, "de": DE, "zh": ZH}
