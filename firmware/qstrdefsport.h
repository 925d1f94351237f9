// Names whose spelling is no word of C.
Q(/flash)
Q(/flash/lib)
