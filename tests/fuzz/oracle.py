"""What a valid record is, written down a second time and without the product's own table."""


def _numbers(bits, width, n):
    return [int(bits[i * width : (i + 1) * width], 2) for i in range(n)], bits[width * n :]


def is_valid_record(datagram):
    """Tell whether an honest sensing process could have sent these bytes."""
    if len(datagram) != 18 or datagram[0] != 1:
        return False
    bits = "".join(f"{byte:08b}" for byte in datagram[1:])
    if bits[:3] != "000":
        return False
    rest = bits[3:]
    expressions, rest = _numbers(rest, 4, 8)
    signed, rest = _numbers(rest, 5, 4)
    states, rest = _numbers(rest, 4, 6)
    events, rest = _numbers(rest, 3, 5)
    (polarity,), rest = _numbers(rest, 3, 1)
    phrases, rest = rest[:8], rest[8:]
    (modalities,), rest = _numbers(rest, 3, 1)
    (confidence,), rest = _numbers(rest, 4, 1)
    (abstained, people, share), rest = _numbers(rest, 3, 3)
    (_microphone, _camera, frame_rate, latency, drops), rest = _numbers(rest, 3, 5)
    if rest or people == 7 or 7 in (frame_rate, latency, drops):
        return False
    if abstained == 0:
        return sum(expressions) == 15 and modalities != 0
    says_affect = any(expressions) or signed != [31] * 4 or states != [15] * 6 or confidence
    if says_affect:
        return False
    is_sealed = abstained in (1, 2, 5)  # starting, paused, too few people
    scene = (events, polarity, phrases, modalities, people, share)
    return not is_sealed or scene == ([7] * 5, 7, "0" * 8, 0, 6, 7)
