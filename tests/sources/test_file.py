"""Files as they come: every width, rate and channel count, and everything that may be broken in them."""

import os
import struct
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from edmlive.errors import SourceError
from edmlive.sources import open_source
from edmlive.sources.audio import FULL_SCALE_LIMIT
from edmlive.sources.file import FileSource
from tests.conftest import FakeClock, write_audio
from tests.music import render

LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1"}
RATE = 48_000
MUSIC = render(8, RATE)


def read_all(source: Any) -> NDArray[np.float32]:
    with source:
        return np.concatenate([block.samples for block in source])


@pytest.mark.parametrize(
    ("codec", "sample_format", "step"),
    [
        ("pcm_u8", "u8", 2**-7),
        ("pcm_s16le", "s16", 2**-15),
        ("pcm_s24le", "s32", 2**-23),
        ("pcm_s32le", "s32", 2**-24),
        ("pcm_f32le", "flt", 0),
        ("pcm_f64le", "dbl", 0),
    ],
)
def test_every_sample_width_is_exact_to_one_step(tmp_path: Path, codec: str, sample_format: str, step: float) -> None:
    samples = MUSIC[:RATE]
    path = write_audio(tmp_path / "a.wav", samples, RATE, codec, sample_format)
    result = read_all(FileSource(path))
    assert result.dtype == np.float32
    assert result.shape == samples.shape
    assert np.abs(result - samples).max() <= step


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 192_000])
@pytest.mark.parametrize("channels", LAYOUTS)
def test_every_rate_and_channel_count_is_kept(tmp_path: Path, rate: int, channels: int) -> None:
    samples = render(0.5, rate, channels)
    path = write_audio(tmp_path / "a.wav", samples, rate, "pcm_f32le", "flt", LAYOUTS[channels])
    source = FileSource(path)
    assert (source.rate, source.channels, source.live) == (rate, channels, False)
    np.testing.assert_array_equal(read_all(source), samples)
    assert source.fault is None


def test_chosen_channels_are_counted_from_one(tmp_path: Path) -> None:
    samples = render(0.5, RATE, 6)
    path = write_audio(tmp_path / "a.wav", samples, RATE, "pcm_f32le", "flt", "5.1")
    source = open_source(path, channels=(6, 2))
    assert source.channels == 2
    np.testing.assert_array_equal(read_all(source), samples[:, [5, 1]])
    with pytest.raises(SourceError, match="no channel 7: choose from 1 to 6"):
        FileSource(path, (7,))


def test_bad_numbers_in_float_audio_are_replaced(tmp_path: Path) -> None:
    samples = MUSIC[:1000].copy()
    samples[[10, 20, 30], 0] = np.nan, np.inf, -np.inf
    result = read_all(FileSource(write_audio(tmp_path / "a.wav", samples, RATE, "pcm_f32le", "flt")))
    expected = samples.copy()
    expected[[10, 20, 30], 0] = 0, FULL_SCALE_LIMIT, -FULL_SCALE_LIMIT
    np.testing.assert_array_equal(result, expected)


def test_blocks_are_short_and_in_order(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "a.wav", MUSIC, RATE, "pcm_f32le", "flt")
    with FileSource(path) as source:
        blocks = list(source)
    assert all(len(block.samples) <= 0.5 * RATE and block.gap == 0 for block in blocks)
    times = [block.time for block in blocks]
    assert times == sorted(times)


@pytest.mark.parametrize("pace", [True, False])
def test_paced_file_takes_as_long_as_its_music(tmp_path: Path, pace: bool, clock: FakeClock) -> None:
    path = write_audio(tmp_path / "a.wav", MUSIC[:RATE], RATE, "pcm_f32le", "flt")
    started = clock.now
    read_all(FileSource(path, pace=pace))
    assert clock.now - started == pytest.approx(1.0 if pace else 0.0)


def write_mp3(path: Path, samples: NDArray[np.float32], xing: bool, options: dict[str, str]) -> Path:
    """An MP3 file with or without the header that states its length."""
    with av.open(str(path), "w", container_options={"write_xing": str(int(xing))}) as container:
        stream = container.add_stream("libmp3lame", rate=RATE, layout="stereo", format="fltp", options=options)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples).reshape(1, -1), "flt", "stereo")
        frame.sample_rate = RATE
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def write_video(path: Path, samples: NDArray[np.float32] | None) -> Path:
    """Eight and a half seconds of pictures, with or without sound."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("mpeg4", rate=2)
        video.width = video.height = 16
        video.pix_fmt = "yuv420p"
        audio = container.add_stream("pcm_f32le", rate=RATE, layout="stereo") if samples is not None else None
        for shade in range(17):
            container.mux(video.encode(av.VideoFrame.from_ndarray(np.full((16, 16, 3), shade, np.uint8), "rgb24")))
        container.mux(video.encode(None))
        if audio is not None:
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples).reshape(1, -1), "flt", "stereo")
            frame.sample_rate = RATE
            container.mux(audio.encode(frame))
            container.mux(audio.encode(None))
    return path


VARIABLE = {"flags": "+qscale", "global_quality": "236"}
QUIET_FIRST = MUSIC * np.linspace(0, 1, len(MUSIC), dtype=np.float32)[:, None] ** 4

WHOLE_FILES = {
    "mp3": lambda folder: write_audio(folder / "a.mp3", MUSIC, RATE, "libmp3lame", "fltp"),
    "mp3, variable rate": lambda folder: write_mp3(folder / "a.mp3", QUIET_FIRST, True, VARIABLE),
    "mp3, no length": lambda folder: write_mp3(folder / "a.mp3", MUSIC, False, {"b": "192000"}),
    "mp3, variable rate, no length": lambda folder: write_mp3(folder / "a.mp3", QUIET_FIRST, False, VARIABLE),
    "wav": lambda folder: write_audio(folder / "a.wav", MUSIC, RATE, "pcm_s16le", "s16"),
    "flac": lambda folder: write_audio(folder / "a.flac", MUSIC, RATE, "flac", "s16"),
    "flac in ogg": lambda folder: write_audio(folder / "a.ogg", MUSIC, RATE, "flac", "s16"),
    "opus": lambda folder: write_audio(folder / "a.opus", MUSIC, RATE, "libopus", "flt"),
    "webm": lambda folder: write_audio(folder / "a.webm", MUSIC, RATE, "libopus", "flt"),
    "m4a": lambda folder: write_audio(folder / "a.m4a", MUSIC, RATE, "aac", "fltp"),
    "bare aac": lambda folder: write_audio(folder / "a.aac", MUSIC, RATE, "aac", "fltp"),
    "longer video": lambda folder: write_video(folder / "a.mkv", MUSIC),
}


@pytest.mark.parametrize("kind", WHOLE_FILES)
def test_whole_file_of_any_kind_has_no_fault(tmp_path: Path, kind: str) -> None:
    source = FileSource(WHOLE_FILES[kind](tmp_path))
    assert len(read_all(source)) == pytest.approx(len(MUSIC), abs=0.1 * RATE)
    assert source.fault is None


@pytest.mark.parametrize("kind", ["mp3", "wav", "flac", "flac in ogg", "opus", "webm"])
def test_truncated_file_gives_what_decodes_and_says_where_it_ends(tmp_path: Path, kind: str) -> None:
    path = WHOLE_FILES[kind](tmp_path)
    whole = read_all(FileSource(path))
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    source = FileSource(path)
    rest = read_all(source)
    assert 0.4 * len(whole) < len(rest) < 0.75 * len(whole)
    sure = len(rest) - 3000  # a decoder may mend the frame that was cut
    np.testing.assert_array_equal(rest[:sure], whole[:sure])
    assert source.fault is not None
    assert f"0:0{int(len(rest) / RATE)}" in source.fault


@pytest.mark.parametrize("kind", ["flac in ogg", "opus"])
def test_ogg_cut_between_two_pages_is_recognised_by_its_missing_end_mark(tmp_path: Path, kind: str) -> None:
    path = WHOLE_FILES[kind](tmp_path)
    data = path.read_bytes()
    path.write_bytes(data[: data.rfind(b"OggS")])
    source = FileSource(path)
    read_all(source)
    assert source.fault is not None


def test_damage_in_the_middle_is_skipped_and_reported(tmp_path: Path) -> None:
    path = WHOLE_FILES["mp3"](tmp_path)
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 3000] = bytes(3000)
    path.write_bytes(data)
    source = FileSource(path)
    assert len(read_all(source)) > 0.9 * len(MUSIC)
    assert source.fault is not None
    assert "0:03" in source.fault or "0:04" in source.fault


def test_chained_stream_continues_in_the_shape_of_its_first_song(tmp_path: Path) -> None:
    first = write_audio(tmp_path / "a.ogg", MUSIC, RATE, "flac", "s16")
    second = write_audio(tmp_path / "b.ogg", render(4, RATE, 1), RATE, "flac", "s16", "mono")
    chain = tmp_path / "chain.ogg"
    chain.write_bytes(first.read_bytes() + second.read_bytes())
    source = FileSource(chain)
    samples = read_all(source)
    assert samples.shape[1] == source.channels == 2
    assert len(samples) == pytest.approx(12 * RATE, abs=0.2 * RATE)


def header_only(folder: Path) -> Path:
    path = write_audio(folder / "a.wav", MUSIC[:100], RATE, "pcm_s16le", "s16")
    data = path.read_bytes()
    path.write_bytes(data[: data.index(b"data") + 4] + bytes(4))
    return path


def unknown_codec(folder: Path) -> Path:
    path = write_audio(folder / "a.mka", MUSIC[:10_000], RATE, "ac3", "fltp")
    path.write_bytes(path.read_bytes().replace(b"A_AC3", b"A_XYZ"))
    return path


def codec_of_pictures(folder: Path) -> Path:
    path = write_audio(folder / "a.m4a", MUSIC[:10_000], RATE, "aac", "fltp")
    path.write_bytes(path.read_bytes().replace(b"\x40\x15", b"\x6c\x15"))
    return path


def written(name: str, data: bytes) -> Any:
    def write(folder: Path) -> Path:
        path = folder / name
        path.write_bytes(data)
        return path

    return write


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (written("text.mp3", b"Shopping list: milk, bread, records.\n" * 100), "cannot be opened as audio"),
        (written("empty.mp3", b""), "cannot be opened as audio"),
        (written("noise.wav", np.random.default_rng(0).bytes(4000)), "cannot be opened as audio"),
        (header_only, "holds no audio"),
        (unknown_codec, "no decoder"),
        (codec_of_pictures, "holds"),
        (partial(write_video, samples=None), "holds no audio stream"),
        (lambda folder: folder / "missing.wav", "does not exist"),
        (lambda folder: folder, "is a folder"),
    ],
    ids=[
        "text",
        "empty",
        "noise",
        "zero length",
        "unknown codec",
        "codec of pictures",
        "video without sound",
        "missing",
        "folder",
    ],
)
def test_input_without_audio_is_refused_in_one_sentence(tmp_path: Path, make: Any, words: str) -> None:
    path = make(tmp_path / "silent.mkv") if isinstance(make, partial) else make(tmp_path)
    with pytest.raises(SourceError, match=words) as refusal:
        FileSource(path)
    assert str(path) in str(refusal.value)
    assert "\n" not in str(refusal.value)


ID3V1 = b"TAG" + b"x" * 125
LYRICS3 = b"LYRICSBEGIN" + b"IND0000200LYR01000" + b"la la la\r\n" * 99 + b"001017LYRICS200" + ID3V1


def ape_tag() -> bytes:
    item = struct.pack("<II", 200_000, 2) + b"Cover Art (Front)\0" + np.random.default_rng(1).bytes(200_000)
    header, footer = (
        b"APETAGEX" + struct.pack("<IIII", 2000, len(item) + 32, 1, flags) + bytes(8)
        for flags in (0xA0000000, 0x80000000)
    )
    return header + item + footer


JUNK = {
    "zeros": bytes(4096),
    "many zeros": bytes(500_000),
    "Lyrics3": LYRICS3,
    "APEv2": ape_tag(),
    "APEv2 and ID3v1": ape_tag() + ID3V1,
    "noise": np.random.default_rng(0).bytes(70_000),
    "text": b"<html><body>404</body></html>\n" * 99,
    "ID3v2": b"ID3\4\0\0\0\0\x07\x76" + bytes(0x3F6),
}


@pytest.mark.parametrize("place", ["before", "after"])
@pytest.mark.parametrize("junk", JUNK)
@pytest.mark.parametrize("kind", ["mp3", "mp3, no length", "mp3, variable rate, no length", "bare aac"])
def test_tags_and_padding_around_the_frames_are_no_damage(tmp_path: Path, kind: str, junk: str, place: str) -> None:
    path = WHOLE_FILES[kind](tmp_path)
    data = path.read_bytes()
    path.write_bytes(JUNK[junk] + data if place == "before" else data + JUNK[junk])
    try:
        source = FileSource(path)
    except SourceError:
        if kind == "bare aac" and place == "before":
            pytest.skip("FFmpeg does not recognise AAC behind this")
        raise
    assert len(read_all(source)) == pytest.approx(len(MUSIC), abs=0.15 * RATE)
    assert source.fault is None


@pytest.mark.parametrize("junk", ["zeros", "APEv2 and ID3v1", "many zeros"])
def test_truncated_file_is_found_behind_its_tags(tmp_path: Path, junk: str) -> None:
    path = WHOLE_FILES["mp3"](tmp_path)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 6 // 10] + JUNK[junk])
    source = FileSource(path)
    read_all(source)
    assert source.fault is not None and "truncated" in source.fault


def wav(
    path: Path, data: bytes, *, length: int | None = None, rate: int = 44_100, channels: int = 2, rf64: int = 0
) -> Path:
    """A WAV file of 16 bits whose header says whatever it is told to."""
    align = channels * 2 % 2**16
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, channels, rate, rate * align % 2**32, align, 16)
    size = len(data) if length is None else length
    riff = struct.pack("<4sI4s", b"RIFF", (size + 36) % 2**32, b"WAVE")
    if rf64:
        riff = struct.pack("<4sI4s4sIQQQI", b"RF64", 2**32 - 1, b"WAVE", b"ds64", 28, rf64 + 72, rf64, rf64 // align, 0)
        size = 2**32 - 1
    path.write_bytes(riff + form + b"data" + struct.pack("<I", size) + data)
    return path


SIXTEEN_BITS = (MUSIC[:RATE] * 32767).astype("<i2").tobytes()


@pytest.mark.parametrize(
    "length",
    [0, 0x7FFFF000, 0x7FFFFFFF, 0x7FFFFFD0, 0x80000000, 0x80000024, 0xFFFF0000, 0xFFFFF000, 0xFFFFFFD3, 0xFFFFFFFF],
    ids=hex,
)
def test_wav_from_a_pipe_states_no_length(tmp_path: Path, length: int) -> None:
    source = FileSource(wav(tmp_path / "a.wav", SIXTEEN_BITS, length=length))
    assert len(read_all(source)) == RATE
    assert source.fault is None


@pytest.mark.parametrize("length", [len(SIXTEEN_BITS) * 2, 0x10000000, 0x90000000])
def test_wav_that_states_another_length_is_truncated(tmp_path: Path, length: int) -> None:
    source = FileSource(wav(tmp_path / "a.wav", SIXTEEN_BITS, length=length))
    read_all(source)
    assert source.fault is not None and "truncated" in source.fault


@pytest.mark.parametrize("container", ["aiff", "au", "caf", "w64"])
def test_uncompressed_audio_from_a_pipe_of_any_kind_is_whole(tmp_path: Path, container: str) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    path = write_audio(
        tmp_path / f"a.{container}", MUSIC, RATE, "pcm_s16be" if container != "w64" else "pcm_s16le", "s16"
    )
    threading.Thread(target=lambda: pipe.write_bytes(path.read_bytes()), daemon=True).start()
    source = FileSource(pipe)
    assert len(read_all(source)) == len(MUSIC)
    assert source.fault is None


@pytest.mark.parametrize(
    ("rate", "channels"),
    [
        (1, 2),
        (100, 1),
        (999, 2),
        (2_000_000_000, 2),
        (2**31 - 1, 2),
        (44_100, 65),
        (44_100, 255),
        (44_100, 1000),
        (44_100, 65_535),
        (44_100, 0),
        (0, 2),
        (2**32 - 1, 2),
    ],
)
def test_header_that_cannot_be_true_is_one_sentence(tmp_path: Path, rate: int, channels: int) -> None:
    path = wav(tmp_path / "a.wav", SIXTEEN_BITS, rate=rate, channels=channels)
    with pytest.raises(SourceError, match=r"a\.wav") as refusal:
        read_all(FileSource(path))
    assert "\n" not in str(refusal.value)


def test_header_of_64_gib_costs_no_memory(tmp_path: Path) -> None:
    source = FileSource(wav(tmp_path / "a.wav", SIXTEEN_BITS, rf64=64 * 2**30))
    assert len(read_all(source)) == RATE
    assert source.fault is not None and "truncated" in source.fault


@pytest.mark.parametrize(
    "name",
    [
        "12:30 set.wav",
        "http:/a.wav",
        "http:/127.0.0.1:9/a.wav",
        "tcp:127.0.0.1:9",
        "subfile,,start,0,end,9,,:a.wav",
        "concat:a.wav|b.wav",
        "pipe:0",
        "fd:0",
        "file:a.wav",
        "data:audio.wav",
        "cache:a.wav",
        "async:x",
        "crypto:x",
        "-x.wav",
        "a%03d.wav",
        "demo:x.wav",
        "\udcff\udce9.wav",
        "a\nb.wav",
        "*.wav",
        "[a].wav",
        "\\.wav",
        "a.wav?b#c",
    ],
)
def test_local_name_is_never_a_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_audio(tmp_path / "plain.wav", MUSIC[:RATE], RATE, "pcm_f32le", "flt").rename(path)
    for location in (name, path, path.absolute()):
        source = FileSource(location)
        assert not source.live
        np.testing.assert_array_equal(read_all(source), MUSIC[:RATE])
        assert source.fault is None


def test_file_url_is_a_local_file(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "a b.wav", MUSIC[:RATE], RATE, "pcm_f32le", "flt")
    source = FileSource(f"file://{tmp_path}/a%20b.wav")
    assert not source.live
    assert len(read_all(source)) == RATE
    assert path.exists()


@pytest.mark.parametrize(
    "text",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n{url}/a.wav\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile {url}/a.wav\n",
        "ffconcat version 1.0\nfile 'subfile,,start,0,end,0,,:{url}/a.wav'\n",
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 5004 RTP/AVP 0\n",
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
        'mediaPresentationDuration="PT4S" profiles="urn:mpeg:dash:profile:isoff-on-demand:2011"><Period>'
        '<AdaptationSet contentType="audio"><Representation id="1" mimeType="audio/wav" bandwidth="1">'
        "<BaseURL>{url}/a.wav</BaseURL></Representation></AdaptationSet></Period></MPD>",
    ],
    ids=["hls", "concat", "subfile", "sdp", "dash"],
)
@pytest.mark.parametrize("name", ["x.m3u8", "x.mp3", "x.wav"])
def test_local_file_cannot_open_the_network(tmp_path: Path, web: str, asked: list[str], text: str, name: str) -> None:
    write_audio(tmp_path / "a.wav", MUSIC[:RATE], RATE, "pcm_f32le", "flt")
    (tmp_path / name).write_text(text.format(url=web))
    with pytest.raises(SourceError):
        read_all(FileSource(tmp_path / name))
    assert asked == []


@pytest.mark.parametrize("name", ["n" * 300 + ".mp3", "x/" * 3000 + "a.mp3", "\0.mp3", "", "a.wav/b.wav"])
def test_impossible_name_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.wav").touch()
    with pytest.raises(SourceError):
        FileSource(name)


def test_pipe_is_read_to_its_end(tmp_path: Path) -> None:
    path = WHOLE_FILES["mp3"](tmp_path)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    threading.Thread(target=lambda: pipe.write_bytes(path.read_bytes()), daemon=True).start()
    assert len(read_all(FileSource(pipe))) == pytest.approx(len(MUSIC), abs=0.1 * RATE)


def test_pipe_that_nobody_writes_to_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edmlive.sources.pipe.FIRST_BYTE_SECONDS", 0.2)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SourceError, match="Nothing was written"):
        FileSource(tmp_path / "pipe")


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null"])
def test_device_is_no_file(device: str) -> None:
    with pytest.raises(SourceError, match="not an audio file"):
        FileSource(device)


def test_playlist_is_named_as_such(tmp_path: Path) -> None:
    (tmp_path / "a.m3u").write_text("a.mp3\nb.mp3\n")
    with pytest.raises(SourceError, match="is a playlist"):
        FileSource(tmp_path / "a.m3u")


@pytest.fixture
def asked() -> list[str]:
    """The paths that the web server was asked for."""
    return []


@pytest.fixture
def web(tmp_path: Path, asked: list[str]) -> Iterator[str]:
    """A web server over the test's folder."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            asked.append(self.path)

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path))) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_url_is_read_as_a_live_stream(tmp_path: Path, web: str) -> None:
    write_audio(tmp_path / "a.wav", MUSIC[:RATE], RATE, "pcm_f32le", "flt")
    source = FileSource(f"{web}/a.wav")
    assert source.live
    np.testing.assert_array_equal(read_all(source), MUSIC[:RATE])


@pytest.mark.parametrize("url", ["{web}/missing.mp3", "http://127.0.0.1:9/radio", "carrier-pigeon://loft"])
def test_url_that_leads_nowhere_is_refused(web: str, url: str) -> None:
    with pytest.raises(SourceError, match="cannot be opened as audio"):
        FileSource(url.format(web=web))
