"""Tells by its path whether a file holds a credential; pure."""

from __future__ import annotations

import re

from .words import QUERY, STAR, is_wild

_SECRET = re.compile(
    r"/\.ssh(?:/(?!known_hosts|config\Z|[^/]*\.pub\Z|authorized_keys).*)?\Z|/(?:id_(?:rsa|dsa|ecdsa|ed25519)\w*)\Z|"
    r"/\.aws(?:/.*)?\Z|/\.azure(?:/.*)?\Z|/\.config/gcloud(?:/.*)?\Z|/\.kube(?:/.*)?\Z|/\.gnupg(?:/.*)?\Z|"
    r"/\.netrc\Z|/_netrc\Z|/\.pgpass\Z|/\.git-credentials\Z|/\.docker/config\.json\Z|/\.npmrc\Z|/\.pypirc\Z|"
    r"/\.vault-token\Z|/\.config/(?:gh|hub|rclone|op|sops|age|doctl|hcloud|solana)(?:/.*)?\Z|/\.boto\Z|/etc/wireguard/.*|/\.my\.cnf\Z|/\.s3cfg\Z|"
    r"/Library/Keychains(?:/.*)?\Z|/Library/(?:Cookies|Messages|Mail)(?:/.*)?\Z|/\.password-store(?:/.*)?\Z|"
    r"/\.local/share/keyrings(?:/.*)?\Z|/\.mozilla(?:/.*)?\Z|/\.config/(?:google-chrome|chromium|BraveSoftware)(?:/.*)?\Z|"
    r"/Library/Application Support/(?:Google/Chrome|Firefox|BraveSoftware|Bitcoin|Ethereum)(?:/.*)?\Z|"
    r"/\.env(?:\.(?!example|sample|template|dist)[\w.]+)?\Z|(?:/private)?/etc/(?:shadow|gshadow|master\.passwd|"
    r"ssh/ssh_host_\w+_key|sudoers)\Z|/proc/(?:\d+|self|…)?/?environ\Z|/\.(?:bash|zsh)_history\Z|/credentials(?:\.\w+)?\Z|"
    r"/[^/]*\.(?:kdbx|pem|p12|pfx|key|keystore|jks|ppk|keychain(?:-db)?|gpg-key)\Z|/secrets?\.(?:ya?ml|json|toml|env|txt)\Z|"
    r"/\.(?:bitcoin|ethereum|electrum|monero|solana)(?:/.*)?\Z|/wallet\.dat\Z|/terraform\.tfstate\Z|/\.terraform\.d/"
    r"|/\.cargo/credentials.*|/\.config/op/.*|/key\d\.db\Z|/logins\.json\Z|/Login Data\Z|/Cookies\Z|/\.htpasswd\Z|"
    r"/kubeconfig\Z|/etc/kubernetes/.*|/var/run/secrets/.*|/\.gem/credentials\Z|/service[-_]account\w*\.json\Z"
)
_HASHES = re.compile(
    r"(?:/private)?/etc/(?:g?shadow-?|master\.passwd|spwd\.db|security/passwd)\Z|/var/db/(?:dslocal/nodes/Default/users|shadow/hash)(?:/.*)?\Z|"
    r"(?i:/system32/config/(?:regback/)?(?:sam|security|system)\Z|/ntds\.dit\Z)"
)


def is_hashes(path: str) -> bool:
    """Whether the file is where a system keeps the passwords of all its accounts."""
    return bool(_HASHES.search(path))


def is_secret(path: str) -> bool:
    """True when the file, or what the folder holds, is a credential (the rubric's list and its kin)."""
    if _SECRET.search(path) or is_hashes(path):
        return True
    if is_wild(path):
        bare = path.replace(STAR, "").replace(QUERY, "").rstrip("/")
        return (
            bool(bare and _SECRET.search(bare)) or "/.ssh/" in path or "/.aws/" in path or "/.gnupg/" in path
        )
    return False
