"""Whatever Bazel takes names of files for, what is written is UTF-8, and what is made has names in ASCII."""

load("@bazel_skylib//lib:unittest.bzl", "asserts", "unittest")
load("//rules/private:encoding.bzl", "ascii_name", "utf8")

def _encoding_test_impl(ctx):
    env = unittest.begin(ctx)
    for text, want in {
        # Bytes, as a string of this file is, stay as they are.
        "": "",
        "a b \\ \"": "a b \\ \"",
        "größe/温度/😀": "größe/温度/😀",

        # Text, as some Bazels have it in paths, becomes its bytes.
        json.decode('"gr\\u00f6\\u00dfe"'): "größe",
        json.decode('"\\u00c3 \\u00bf\\u0080"'): "Ã ¿" + json.decode('"\\u00c2\\u0080"'),
        json.decode('"\\u6e29\\u5ea6.py"'): "温度.py",
        json.decode('"\\ud83d\\ude00"'): "😀",
        json.decode('"\\u07ff\\u0800\\uffff"'): "߿ࠀ" + json.decode('"\\u00ef\\u00bf\\u00bf"'),

        # Some of each, as a folder that an attribute names and a file in it.
        "maß/" + json.decode('"\\u00f6.txt"'): "maß/ö.txt",
    }.items():
        asserts.equals(env, want, utf8(text))

    # What actions make has the same name whichever it is.
    asserts.equals(env, "a b%.py", ascii_name("a b%.py"))
    asserts.equals(env, "gr%c3%b6%c3%9fe", ascii_name("größe"))
    asserts.equals(env, "gr%c3%b6%c3%9fe", ascii_name(json.decode('"gr\\u00f6\\u00dfe"')))
    return unittest.end(env)

encoding_test = unittest.make(_encoding_test_impl)
