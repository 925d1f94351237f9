# needs: ; gives: inflate
# For firmware that cannot: the host deflates nothing.
inflate = None
