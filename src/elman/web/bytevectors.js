// Word vectors in 8 bits. Sums of whole numbers are exact, so that cosines have the bits of elman/export/byte_vectors.py.

import {bytes} from "./bytes.js";

export class ByteVectors {
  constructor({words, codes, lowercase}) {
    this.words = words;
    this.codes = new Int8Array(bytes(codes).buffer);
    this.size = this.codes.length / words.length;
    this.lowercase = lowercase;
    this.rows = new Map(words.map((word, row) => [word, row]));
    this.squares = words.map((_, row) => this.product(row, row));
  }

  /** The row of a word; undefined if it is not known. */
  row(text) {
    const word = text.trim().normalize("NFC");
    return this.rows.get(word) ?? (this.lowercase ? this.rows.get(word.toLowerCase()) : undefined);
  }

  product(one, other) {
    let sum = 0;
    for (let i = one * this.size, j = other * this.size, end = i + this.size; i < end; i += 1, j += 1) {
      sum += this.codes[i] * this.codes[j];
    }
    return sum;
  }

  /** The cosine of two rows; of zeros, 0. */
  cosine(one, other) {
    const squares = this.squares[one] * this.squares[other];
    return squares ? this.product(one, other) / Math.sqrt(squares) : 0;
  }

  /** The rows nearest to one, each with its cosine; of equal ones the more frequent word first. */
  neighbours(row, count) {
    const found = this.words.map((_, other) => [other, this.cosine(row, other)]).filter(([other]) => other !== row);
    return found.sort((a, b) => b[1] - a[1] || a[0] - b[0]).slice(0, count);
  }

  /** The most frequent words that begin with a text. */
  beginning(text, count) {
    const start = this.lowercase ? text.trim().toLowerCase() : text.trim(), found = [];
    for (let row = 0; start && row < this.words.length && found.length < count; row += 1) {
      if (this.words[row].startsWith(start)) found.push(row);
    }
    return found;
  }
}
