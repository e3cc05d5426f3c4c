"""The list of packages, which pyproject.toml cannot tell: they lie in several folders."""

from setuptools import find_packages, setup

ROOTS = (".", "plugins/capture", "plugins/encoders", "plugins/transports", "plugins/dlp")

package_dir = {"kasmcore.www": "www"}
for root in ROOTS:
    for name in find_packages(root, include=["kasmcore", "kasmcore.*", "kasmcore_*"]):
        package_dir[name] = f"{root}/{name.replace('.', '/')}"

setup(packages=sorted(package_dir), package_dir=package_dir)
