// What the search says. Sphinx's own translation leaves the number of pages out.
Documentation.addTranslations({
  locale: "id",
  messages: {
    ", in ": ", di ",
    "Hide Search Matches": "Sembunyikan hasil pencarian",
    "Preparing search...": "Menyiapkan pencarian...",
    "Search Results": "Hasil pencarian",
    "Search finished, found one page matching the search query.": [
      "Pencarian selesai: ${resultCount} halaman cocok.",
    ],
    "Searching": "Mencari",
    "Your search did not match any documents. Please make sure that all words are spelled correctly and that you've selected enough categories.":
      "Tidak ada halaman yang cocok. Periksa ejaan setiap kata.",
  },
  plural_expr: "0",
});
