# needs: built_in; gives: Hash
# The hash of what a partition holds.
Hash = built_in("hashlib").sha256
