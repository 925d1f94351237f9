"""Debian's MicroPython, and the libraries that it links to, as a mirror of Debian has them: releases that are pinned here."""

# By Debian's name of the architecture: the packages by their paths in a mirror, with their digests. The first holds the
# interpreter, which knows vfs.VfsRom since 1.25.
MICROPYTHON_PACKAGES = {
    "amd64": {
        "pool/main/m/micropython/micropython_1.26.1+ds-1_amd64.deb": "83f5e13ca013498bc9f6719e2635983f76a16c62bad54bdcc230dff87417e5e7",
        "pool/main/g/glibc/libc6_2.43-7_amd64.deb": "5c71715c51103beb4fbba9fe9f8dff604af6610dfa71c70bff342f54a7860803",
        "pool/main/libf/libffi/libffi8_3.8.0-2_amd64.deb": "8f52979b2f3831088c419aae858f10fd3ad7e42cc6c1d28967bae996a98223a4",
        "pool/main/m/mbedtls/libmbedcrypto16_3.6.7-3_amd64.deb": "8bf8c2e38898ccd5b0cbf6294a8a790fe6989045fb3d8c03fa090d993279b503",
        "pool/main/m/mbedtls/libmbedtls21_3.6.7-3_amd64.deb": "32f71b432ac91867c9f903e8a8b617acecef8ca5478fd82acff19fab0283cb1d",
        "pool/main/m/mbedtls/libmbedx509-7_3.6.7-3_amd64.deb": "b2d8f679701b0d36173abba6143401ac82ec755eb529f2cf57f0949b313a6157",
    },
    "arm64": {
        "pool/main/m/micropython/micropython_1.26.1+ds-1+b1_arm64.deb": "dd0e03f7791ee4af641a58d7f2dbd06f07ae5f9173342ee990cac43fe4978746",
        "pool/main/g/glibc/libc6_2.43-7_arm64.deb": "2315e75157bf67622bb435724de8be3c4c6f5bb33f3f26e8310842ea66093c74",
        "pool/main/libf/libffi/libffi8_3.8.0-2_arm64.deb": "b6e6930ad3b9423237fb64bcf5fb65fdd36890613b7f083094fcf16041c5e851",
        "pool/main/m/mbedtls/libmbedcrypto16_3.6.7-3_arm64.deb": "2174272b24d771578a890c2056c4f306417c44495aa688ab67fac9a3056f61f1",
        "pool/main/m/mbedtls/libmbedtls21_3.6.7-3_arm64.deb": "122e0648f137f717b651dbbfa6afd610a2355273d934229336976434826c6246",
        "pool/main/m/mbedtls/libmbedx509-7_3.6.7-3_arm64.deb": "e8b42464c6b06d2f0b07f34bffbbd3275dee67e07bada3525ed8ee67710516a1",
    },
}
