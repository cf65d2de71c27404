"""Have the programs that some tests start for real: a browser, Prometheus and its Alertmanager, HAProxy.

    python3 deploy/setup_programs.py

With CI=true, as root and on Debian, what is missing is installed by apt. Anywhere else, and where that fails, it is
named with the command that installs it: the tests that need it are skipped, and say so.
"""

import os
import shutil
import subprocess
import sys

PACKAGES = {
    "chromium": "chromium",
    "prometheus": "prometheus",
    "prometheus-alertmanager": "prometheus-alertmanager",
    "haproxy": "haproxy",
}
SECONDS = 600


def missing():
    """The packages of the programs that are not there."""
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"])
    return [package for program, package in PACKAGES.items() if shutil.which(program, path=path) is None]


def installed(packages):
    """Whether apt could install them; no service of theirs is started."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1", "SYSTEMD_OFFLINE": "1"}
    steps = (["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages])
    try:
        for step in steps:
            subprocess.run(step, env=environment, check=True, stdout=subprocess.DEVNULL, timeout=SECONDS)
    except (OSError, subprocess.SubprocessError) as error:
        print("programs: apt could not install them (%s)" % error, file=sys.stderr)
        return False
    return True


def main():
    """Install what may be installed, name what is missing."""
    packages = missing()
    may = os.environ.get("CI") == "true" and hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get")
    if packages and may:
        print("programs: installing %s" % " ".join(packages))
        installed(packages)
        packages = missing()
    if packages:
        print("programs: tests without %s are skipped; sudo apt-get install %s" % ((" ".join(packages),) * 2))


if __name__ == "__main__":
    main()
