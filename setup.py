"""What pyproject.toml cannot tell: packages in several folders, and a library of plain C."""

import logging
import os
import shlex
import subprocess
import zlib
from pathlib import Path

from setuptools import Extension, find_packages, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_ext import build_ext

ROOTS = (".", "plugins/capture", "plugins/encoders", "plugins/transports", "plugins/dlp")
KERNEL_SOURCES = ("kasmcore/kernels/pixels.h", "kasmcore/kernels/pixels.c")


class BuildKernel(build_ext):
    """Compiles the library by itself: it needs no Python.h, and a machine may have no compiler."""

    def get_ext_filename(self, fullname: str) -> str:
        """Name it without Python's version: any loads it."""
        return fullname.replace(".", "/") + ".so"

    def build_extension(self, ext: Extension) -> None:
        """Compile it; without a compiler kasmcore is installed without it, and says so."""
        library = Path(self.get_ext_fullpath(ext.name))
        library.parent.mkdir(parents=True, exist_ok=True)
        # kasmcore/kernels/library.py makes the same number of the files beside the library.
        number = zlib.crc32(b"".join(Path(source).read_bytes() for source in KERNEL_SOURCES))
        command = [
            *shlex.split(os.environ.get("CC", "cc")),
            *("-std=c11", "-O3", "-fPIC", "-shared", "-fvisibility=hidden", "-Wall", "-Wextra"),
            f"-DKASMCORE_SOURCE={number}u",
            *("-o", str(library), KERNEL_SOURCES[1]),
        ]
        try:
            subprocess.run(command, check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            logging.warning("kasmcore is installed without its compiled pixel kernel: %s", error)


class PlatformWheel(bdist_wheel):
    """A wheel for one kind of machine and every Python."""

    def get_tag(self) -> tuple[str, str, str]:
        """Say so in its name."""
        return ("py3", "none", super().get_tag()[2])


package_dir = {"kasmcore.www": "www"}
for root in ROOTS:
    for name in find_packages(root, include=["kasmcore", "kasmcore.*", "kasmcore_*"]):
        package_dir[name] = f"{root}/{name.replace('.', '/')}"

setup(
    packages=sorted(package_dir),
    package_dir=package_dir,
    ext_modules=[
        Extension(
            "kasmcore.kernels.pixels",
            [KERNEL_SOURCES[1]],
            depends=[KERNEL_SOURCES[0]],
            optional=True,
        )
    ],
    cmdclass={"build_ext": BuildKernel, "bdist_wheel": PlatformWheel},
)
