"""Write container images: layers as tar files, an image as an OCI archive that `ctr images import` and minikube read."""

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

Json = dict[str, object]
_TYPE = "application/vnd.oci.image."
_WHEN = "2026-01-01T00:00:00Z"


@dataclass(frozen=True)
class Link:
    """A symbolic link in a layer."""

    to: str


@dataclass(frozen=True)
class Folder:
    """A folder in a layer with more than the usual mode."""

    mode: int = 0o1777
    owner: int = 0
    group: int = 0


@dataclass(frozen=True)
class Image:
    """Names, layers (tar files, from the lowest up) and the configuration as the OCI specification has it."""

    names: tuple[str, ...]
    layers: tuple[Path, ...]
    config: Mapping[str, object] = field(default_factory=dict)


Entry = Path | bytes | Link | Folder


def write_layer(
    files: Mapping[str, Entry],
    target: Path,
    modes: Mapping[str, int] | None = None,
    capabilities: Mapping[str, bytes] | None = None,
) -> Path:
    """Pack files under their paths in the image into a layer, byte for byte the same each time.

    A program that lies on the disk is 0755, text given as bytes 0644, unless `modes` says otherwise; all is root's.
    """
    part = target.with_name(target.name + ".part")
    made: set[str] = set()
    with tarfile.open(part, "w", format=tarfile.PAX_FORMAT) as tar:
        for path in sorted(files):
            entry, name = files[path], path.strip("/")
            for parent in reversed([str(one) for one in Path(name).parents][:-1]):
                if parent not in made and not isinstance(files.get("/" + parent), (Folder, Link)):
                    made.add(parent)
                    tar.addfile(_info(parent, tarfile.DIRTYPE, 0o755))
            info = _info(name, tarfile.REGTYPE, (modes or {}).get(path, 0o755 if isinstance(entry, Path) else 0o644))
            if capability := (capabilities or {}).get(path):
                info.pax_headers["SCHILY.xattr.security.capability"] = capability.decode("utf-8", "surrogateescape")
            if isinstance(entry, Link):
                info.type, info.linkname, info.mode = tarfile.SYMTYPE, entry.to, 0o777
                tar.addfile(info)
            elif isinstance(entry, Folder):
                info.type, info.mode, info.uid, info.gid = tarfile.DIRTYPE, entry.mode, entry.owner, entry.group
                made.add(name)
                tar.addfile(info)
            elif isinstance(entry, bytes):
                info.size = len(entry)
                tar.addfile(info, io.BytesIO(entry))
            else:
                info.size = entry.stat().st_size
                with entry.open("rb") as content:
                    tar.addfile(info, content)
    part.replace(target)
    return target


def _info(name: str, kind: bytes, mode: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.mode = kind, mode
    return info


def write_archive(images: Sequence[Image], target: Path) -> Path:
    """Write images into one OCI archive; a layer that several have is in it once."""
    part = target.with_name(target.name + ".part")
    written: set[str] = set()
    index: list[Json] = []
    with tarfile.open(part, "w", format=tarfile.PAX_FORMAT) as tar:

        def blob(content: bytes, kind: str) -> Json:
            digest = hashlib.sha256(content).hexdigest()
            if digest not in written:
                written.add(digest)
                _add(tar, f"blobs/sha256/{digest}", content)
            return {"mediaType": _TYPE + kind, "digest": f"sha256:{digest}", "size": len(content)}

        def layer(path: Path) -> tuple[Json, str]:
            digest = digest_of(path)
            if digest not in written:
                written.add(digest)
                tar.add(path, f"blobs/sha256/{digest}", filter=_plain)
            return {"mediaType": _TYPE + "layer.v1.tar", "digest": f"sha256:{digest}", "size": path.stat().st_size}, digest

        for image in images:
            layers = [layer(path) for path in image.layers]
            config = {
                "architecture": "amd64", "os": "linux", "created": _WHEN, "config": image.config,
                "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}" for _, digest in layers]},
                "history": [{"created": _WHEN, "created_by": path.name} for path in image.layers],
            }  # fmt: skip
            manifest = blob(
                json.dumps({
                    "schemaVersion": 2, "mediaType": _TYPE + "manifest.v1+json",
                    "config": blob(json.dumps(config).encode(), "config.v1+json"), "layers": [one for one, _ in layers],
                }).encode(),
                "manifest.v1+json",
            )  # fmt: skip
            index += [{**manifest, "annotations": {"io.containerd.image.name": name}} for name in image.names]
        _add(tar, "oci-layout", b'{"imageLayoutVersion": "1.0.0"}')
        whole = {"schemaVersion": 2, "mediaType": _TYPE + "index.v1+json", "manifests": index}
        _add(tar, "index.json", json.dumps(whole).encode())
    part.replace(target)
    return target


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    tar.addfile(info, io.BytesIO(content))


def _plain(info: tarfile.TarInfo) -> tarfile.TarInfo:
    info.uid = info.gid = 0
    info.uname = info.gname = ""
    info.mtime = 0
    return info


def digest_of(path: Path) -> str:
    """SHA-256 of a file; remembered beside it, for layers are large."""
    memory = path.with_name(path.name + ".sha256")
    if memory.exists() and memory.stat().st_mtime >= path.stat().st_mtime:
        return memory.read_text().strip()
    with path.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    memory.write_text(digest)
    return digest
