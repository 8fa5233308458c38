"""Makes the seeds of the corpus: small real inputs of every kind.

What a run finds is added by hand beside them, named after the fault, and stays.
"""

import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]
CORPUS = Path(__file__).with_name("corpus")


def write(target, name, content):
    folder = CORPUS / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)


def media(name, container_format, codecs):
    import av

    path = CORPUS / "media" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(8)
    with av.open(str(path), "w", format=container_format) as container:
        streams = {}
        for kind, codec in codecs.items():
            if kind == "video":
                stream = container.add_stream(codec, rate=10)
                stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
            else:
                stream = container.add_stream(codec, rate=16_000, layout="mono")
            streams[kind] = stream
        for number in range(3):
            if "video" in streams:
                picture = rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)
                container.mux(streams["video"].encode(av.VideoFrame.from_ndarray(picture)))
            if "audio" in streams:
                samples = rng.integers(-9000, 9000, (1, 320)).astype(np.int16)
                sound = av.AudioFrame.from_ndarray(samples, "s16", "mono")
                sound.sample_rate, sound.pts = 16_000, number * 320
                container.mux(streams["audio"].encode(sound))
        for stream in streams.values():
            container.mux(stream.encode(None))


def main():
    from edge_affect import config as configuration
    from edge_affect.record import AbstainReason, AffectRecord, Modality, SourceState, encode

    naming = AffectRecord(
        expressions=(10, 5, 0, 0, 0, 0, 0, 0), valence=4, modalities=Modality.FACE, confidence=9,
        camera=SourceState.OK,
    )  # fmt: skip
    write("record", "naming.bin", encode(naming))
    write("record", "nobody.bin", encode(AffectRecord(abstained=AbstainReason.NOBODY)))
    write("record", "paused.bin", encode(AffectRecord(abstained=AbstainReason.PAUSED)))
    for number, topic in enumerate(
        ("edge-affect/home/box/set/pause", "edge-affect/home/box/set/resume",
         "edge-affect/home/box/set/", "edge-affect/+/box/set/pause", "set/pause")
    ):  # fmt: skip
        write("command", f"topic-{number}.txt", topic.encode())
    write("config", "example.toml", configuration.example().encode())
    small = '[device]\nsite = "s"\nname = "n"\n[publish]\ntick_hz = 2\n[mqtt]\nport = 1883\n'
    write("config", "small.toml", small.encode())
    for name in ("face_expression", "voice_activity", "face_landmark"):
        content = (ROOT / "models_tflite" / f"{name}.toml").read_bytes()
        write("manifest", f"{name}.toml", content)
    media("sound.wav", "wav", {"audio": "pcm_s16le"})
    media("sound.flac", "flac", {"audio": "flac"})
    media("film.mkv", "matroska", {"video": "ffv1", "audio": "pcm_s16le"})
    media("film.mp4", "mp4", {"video": "mpeg4"})
    media("film.avi", "avi", {"video": "mpeg4", "audio": "pcm_s16le"})


if __name__ == "__main__":
    main()
