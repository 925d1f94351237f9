package pack

const openNonblock = 0 // no FIFO has a place in a directory there
