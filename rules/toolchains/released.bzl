"""The packagers that were released with this copy of rules_romfs. tools/release writes this file into an archive."""

# By platform, `{"linux_amd64": {"sha256": "...", "urls": ["..."]}}`: what is used unless the root module says otherwise.
PACKAGERS = {}

# Whether this copy brings along what builds the packager from source: rules_go and the Go modules.
HAS_SOURCE = True
