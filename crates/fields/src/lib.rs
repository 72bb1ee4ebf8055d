//! HPACK (RFC 7541) over one Huffman coder and one prefix-integer coder.
