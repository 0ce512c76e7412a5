"""Disks of machines with a real bluetoothd: Debian's own kernel, BlueZ and Python, built once each.

A build takes some two minutes, a network and the rights of root; it lands in `.bluez/`, named after
all it was built of, and is used until that changes. Debian comes from debootstrap's usual mirror,
or from that of the environment's DEBIAN_MIRROR; Python's packages as pip is set up to get them.
"""

import hashlib
import json
import lzma
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from tests.needs import ROOT

HERE = Path(__file__).parent
CACHE = ROOT / ".bluez"
TOOLS = {  # command: Debian's package
    "debootstrap": "debootstrap",
    "qemu-system-x86_64": "qemu-system-x86",
    "mke2fs": "e2fsprogs",
    "cpio": "cpio",
}
PACKAGES = ("dbus", "bluez", "python3", "kmod", "busybox-static")
KERNEL = "linux-image-amd64"
DISK_MODULES = ("virtio_pci", "virtio_blk", "ext4", "crc32c_generic")
MODULES = ("9p", "9pnet_virtio", "bluetooth", "hci_uart", "cmac")
WHEELS = ("bleak", "cryptography", "dbus-fast", "msgspec", "structlog", "typing-extensions")
UNUSED = (
    "var/cache/apt",
    "var/lib/apt/lists",
    "usr/share/doc",
    "usr/share/locale",
    "usr/share/man",
)


class MachineError(Exception):
    """The machine cannot be built or run; the message says what to do."""


class Suite(NamedTuple):
    """A release of Debian and what it brings."""

    name: str
    bluez: tuple[int, int]
    python: str


SUITES = (Suite("bookworm", (5, 66), "3.11"), Suite("trixie", (5, 82), "3.13"))


@dataclass(frozen=True, slots=True)
class Image:
    """What a machine starts from; none of it is written to."""

    kernel: Path
    ramdisk: Path
    disk: Path


def find_tool(command: str) -> str:
    """The path of one of `TOOLS`; MachineError where it is not installed."""
    found = shutil.which(command, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if found is None:
        raise MachineError(f"{command} is not installed: apt install {' '.join(TOOLS.values())}")
    return found


def image(suite: Suite, *, cache: Path = CACHE) -> Image:
    """The image of `suite` in `cache`, built now where it is not there."""
    wheels = [f"{name}=={version(name)}" for name in WHEELS]
    folder = cache / f"{suite.name}-{_fingerprint(suite, wheels)}"
    if not folder.exists():
        for command in TOOLS:
            find_tool(command)
        if os.geteuid() != 0:
            raise MachineError("debootstrap needs root: run `make test-bluez` once as root")
        sys.stdout.write(f"Building a machine of Debian {suite.name}: some minutes, this once …\n")
        for older in cache.glob(f"{suite.name}-*"):
            shutil.rmtree(older)
        part = cache / f"{suite.name}-{os.getpid()}.part"
        part.mkdir(parents=True)
        _build(suite, wheels, part)
        part.rename(folder)
    return Image(folder / "kernel", folder / "ramdisk", folder / "disk")


def _fingerprint(suite: Suite, wheels: Sequence[str]) -> str:
    texts = [(HERE / name).read_text() for name in ("init", "ramdisk-init")]
    recipe = [suite, PACKAGES, KERNEL, DISK_MODULES, MODULES, wheels, texts]
    return hashlib.sha256(json.dumps(recipe).encode()).hexdigest()[:12]


def _build(suite: Suite, wheels: Sequence[str], folder: Path) -> None:
    root, extracted = folder / "root", folder / "extracted"
    mirror = os.environ.get("DEBIAN_MIRROR")
    _run(
        *(find_tool("debootstrap"), "--variant=minbase", f"--include={','.join(PACKAGES)}"),
        *(suite.name, str(root), *([mirror] if mirror else [])),
        log=folder / "debootstrap.log",
    )
    _install_wheels(suite, wheels, root)
    release = _extract_kernel(root, extracted)
    (extracted / f"boot/vmlinuz-{release}").rename(folder / "kernel")
    _install_modules(extracted, root, release)
    _make_ramdisk(extracted, root, release, folder / "ramdisk")
    for unused in UNUSED:
        shutil.rmtree(root / unused, ignore_errors=True)
    for mount in ("project", "job"):
        (root / mount).mkdir()
    _copy_script("init", root / "sbin/init-machine")
    _make_disk(root, folder / "disk")
    for made in (root, extracted):
        shutil.rmtree(made)


def _install_wheels(suite: Suite, wheels: Sequence[str], root: Path) -> None:
    site = root / f"usr/local/lib/python{suite.python}/dist-packages"
    _run(
        *(sys.executable, "-m", "pip", "install", "--quiet", "--target", str(site)),
        *("--no-compile", "--only-binary=:all:", "--python-version", suite.python, *wheels),
    )
    _run("chroot", str(root), "python3", "-m", "compileall", "-q", f"/{site.relative_to(root)}")


def _extract_kernel(root: Path, extracted: Path) -> str:
    """Debian's newest kernel, beside the root: all of it would make a disk five times as large."""
    depends = _run("chroot", str(root), "apt-cache", "depends", "--important", KERNEL)
    package = next(line.split()[-1] for line in depends.splitlines() if "Depends:" in line)
    _run("chroot", str(root), "sh", "-c", f"cd /tmp && apt-get download {package}")
    (archive,) = (root / "tmp").glob("*.deb")
    extracted.mkdir()
    _run("dpkg-deb", "--extract", str(archive), str(extracted))
    archive.unlink()
    modules = extracted / "lib/modules"
    if not modules.exists():  # where /lib is a link, also in the package
        (extracted / "lib").mkdir(exist_ok=True)
        (extracted / "usr/lib/modules").rename(modules)
    return next(modules.iterdir()).name


def _install_modules(extracted: Path, root: Path, release: str) -> None:
    """Make the drivers that the machine needs loadable by their names."""
    source = extracted / "lib/modules" / release
    target = root / "usr/lib/modules" / release
    _run("depmod", "--basedir", str(extracted), release)
    for module in _with_dependencies(source, MODULES):
        _copy_module(module, target / module.relative_to(source).with_name(_plain_name(module)))
    for listing in ("modules.builtin", "modules.order"):
        shutil.copy(source / listing, target)
    _run("chroot", str(root), "depmod", release)


def _make_ramdisk(extracted: Path, root: Path, release: str, ramdisk: Path) -> None:
    tree = ramdisk.with_suffix(".tree")
    for folder in ("bin", "modules", "proc", "dev", "root"):
        (tree / folder).mkdir(parents=True)
    shutil.copy(root / "usr/bin/busybox", tree / "bin")
    for applet in ("sh", "mount", "cat", "insmod", "sleep", "switch_root"):
        (tree / "bin" / applet).symlink_to("busybox")
    modules = _with_dependencies(extracted / "lib/modules" / release, DISK_MODULES)
    for module in modules:
        _copy_module(module, tree / "modules" / _plain_name(module))
    (tree / "modules/order").write_text("\n".join(map(_plain_name, modules)))
    _copy_script("ramdisk-init", tree / "init")
    with ramdisk.open("wb") as out:
        names = "\n".join(str(path.relative_to(tree)) for path in sorted(tree.rglob("*")))
        subprocess.run(
            [find_tool("cpio"), "--create", "--format=newc", "--quiet"],
            input=names.encode(),
            stdout=out,
            cwd=tree,
            check=True,
        )
    shutil.rmtree(tree)


def _with_dependencies(source: Path, names: Iterable[str]) -> list[Path]:
    """The modules' files in an order in which they can be loaded; those built in are left out."""
    needs = dict(line.split(":") for line in (source / "modules.dep").read_text().splitlines())
    by_name = {_plain_name(Path(file)).removesuffix(".ko"): file for file in needs}
    order: dict[str, None] = {}
    for name in names:
        if name in by_name:
            file = by_name[name]
            order |= dict.fromkeys([*reversed(needs[file].split()), file])
    return [source / file for file in order]


def _plain_name(module: Path) -> str:
    return module.name.removesuffix(".xz")


def _copy_module(module: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    content = module.read_bytes()
    target.write_bytes(lzma.decompress(content) if module.suffix == ".xz" else content)


def _copy_script(name: str, target: Path) -> None:
    shutil.copy(HERE / name, target)
    target.chmod(0o755)


def _make_disk(root: Path, disk: Path) -> None:
    used = sum(path.lstat().st_size for path in root.rglob("*") if not path.is_dir())
    size_mb = int(used / 1e6 * 1.25) + 40
    _run(
        *(find_tool("mke2fs"), "-q", "-t", "ext4", "-O", "^has_journal", "-m", "0"),
        *("-d", str(root), str(disk), f"{size_mb}M"),
    )


def _run(*command: str, log: Path | None = None) -> str:
    """What the command printed; MachineError with its last lines where it fails."""
    environment = os.environ | {"PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin", "LC_ALL": "C"}
    done = subprocess.run(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if log is not None:
        log.write_text(done.stdout)
    if done.returncode != 0:
        last = "\n".join(done.stdout.splitlines()[-8:])
        raise MachineError(f"`{' '.join(command)}` failed ({done.returncode}):\n{last}")
    return done.stdout


def main() -> None:
    """Build what is not there; problems are told without a traceback."""
    for suite in SUITES:
        try:
            image(suite)
        except MachineError as error:
            raise SystemExit(str(error)) from error


if __name__ == "__main__":
    main()
