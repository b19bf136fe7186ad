"""``edmlive models``: what ships."""

from edmlive.cli.common import plain_console


def models() -> None:
    """List the models that ship, for --model, with what was measured on what."""
    from edmlive.realtime.classifier import DEFAULT_MODEL, zoo
    from edmlive.realtime.onnx_file import read_model

    out = plain_console()
    for name, path in sorted(zoo().items()):
        spec = read_model(path).spec
        provenance = spec.provenance
        out.print(f"{name}{'  (default)' if name == DEFAULT_MODEL else ''}", style="bold")
        out.print(f"  genres    {len(spec.labels)}: {', '.join(spec.labels)}")
        out.print(f"  takes     {', '.join(i.name for i in spec.inputs)}")
        out.print(f"  trained   {provenance.date}, {provenance.data}, licence {provenance.licence or 'not stated'}")
        out.print(f"  measured  on {provenance.measured_on}")
        for figure, value in provenance.measured.items():
            out.print(f"            {value:6.1%}  {figure}")
        out.print(f"  file      {path}, {path.stat().st_size / 1e6:.1f} MB")
        out.print(f"  card      {path.with_suffix('.md')}")
