import attrs

from kasmcore.stats.metrics import AccessMetrics, CodecMetrics, SessionMetrics, prometheus_text


def test_each_metric_of_codecs_is_told_once_with_a_line_for_each_codec():
    codecs = tuple(CodecMetrics(codec=name, codec_bytes_total=5) for name in ("jpeg", "h264"))
    lines = prometheus_text(SessionMetrics(viewers=2, codecs=codecs)).splitlines()
    place = lines.index("# TYPE kasmcore_codec_bytes_total counter")
    assert lines[place + 1 : place + 3] == [
        'kasmcore_codec_bytes_total{codec="jpeg"} 5',
        'kasmcore_codec_bytes_total{codec="h264"} 5',
    ]
    assert lines.count("# TYPE kasmcore_codec_bytes_total counter") == 1
    assert "kasmcore_viewers 2" in lines


def test_a_name_with_quotes_breaks_no_line():
    codec = CodecMetrics(codec='a"b\\c\nd')
    text = prometheus_text(SessionMetrics(codecs=(codec,)))
    assert 'kasmcore_codec_usable{codec="a\\"b\\\\c\\nd"} 0\n' in text


def test_every_metric_is_told_with_its_kind_and_its_help():
    groups = (SessionMetrics(codecs=(CodecMetrics(codec="qoi"),)), AccessMetrics())
    lines = prometheus_text(*groups).splitlines()
    classes = (SessionMetrics, AccessMetrics, CodecMetrics)
    fields = [field for each in classes for field in attrs.fields(each)]
    names = [field.name for field in fields if field.name not in ("codec", "codecs")]
    told = [line.split()[2] for line in lines if line.startswith("# TYPE")]
    assert sorted(told) == sorted(f"kasmcore_{name}" for name in names)
