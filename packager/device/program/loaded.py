# needs: ; gives: built_in
# All is loaded: what only that needed goes.
built_in = None
