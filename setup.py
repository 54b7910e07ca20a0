"""What pyproject.toml cannot say: configs/ lies beside src/, and in a wheel beside the code."""

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class WithConfigs(build_py):
    """An editable install finds them where they are."""

    def run(self) -> None:
        super().run()
        for path in Path("configs").rglob("*.yaml") if not self.editable_mode else ():
            copy = Path(self.build_lib, "litmore", path)
            self.mkpath(str(copy.parent))
            self.copy_file(str(path), str(copy))


setup(cmdclass={"build_py": WithConfigs})
