"""Reads files out of clones of repositories, as the objects store them: nothing is checked out."""
import fnmatch
import os
import subprocess


class Clone:
    """folder: a clone, or one with a bare one in repo/."""

    def __init__(self, folder):
        inside = [os.path.join(folder, name) for name in ('', '.git', 'repo', 'repo/.git')]
        self.git = next((d for d in inside if os.path.isdir(os.path.join(d, 'objects'))), None)
        if self.git is None:
            raise OSError('no repository in ' + folder)

    def command(self, *words):
        return ['git', '-c', 'safe.directory=*', '-C', self.git, *words]

    def run(self, *words):
        return subprocess.run(self.command(*words), capture_output=True, check=True).stdout

    def files(self, commit, globs):
        """(path, object, bytes) of the files of a commit that one of the globs names, by path; those that a shallow store lacks are
        passed over."""
        listing = self.run('ls-tree', '-r', '-l', '-z', commit).decode('utf8', 'replace')
        for path, meta in sorted(line.split('\t')[::-1] for line in listing.split('\0') if line):
            _, kind, name, size = meta.split()
            if kind == 'blob' and size.isdigit() and any(fnmatch.fnmatch(path, g) for g in globs):
                yield path, name, int(size)

    def blobs(self, names):
        """The contents of objects, in that order; None for one that is not there."""
        process = subprocess.Popen(self.command('cat-file', '--batch'), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for name in names:
            process.stdin.write(name.encode() + b'\n')
            process.stdin.flush()
            head = process.stdout.readline().split()
            if len(head) < 3:
                yield None
                continue
            data = process.stdout.read(int(head[2]))
            process.stdout.read(1)
            yield data
        process.stdin.close()
        process.wait()
