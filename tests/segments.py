"""Which segment a customer is in, by the scores: 125 combinations, nine names."""

SEGMENTS = {
    "Champions": "444 445 454 455 544 545 554 555",
    "Loyal Customers": "333 334 335 343 344 345 353 354 355 "
    "433 434 435 443 453 533 534 535 543 553",
    "New Customers": "411 412 421 422 511 512 521 522",
    "Big Spenders": "313 314 315 323 324 325 413 414 415 423 424 425 513 514 515 523 524 525",
    "At Risk": "133 134 135 143 144 145 153 154 155 233 234 235 243 244 245 253 254 255",
    "Cant Lose Them": "113 114 115 123 124 125 213 214 215 223 224 225",
    "Hibernating": "121 122 131 132 141 142 151 152 221 222 231 232 241 242 251 252",
    "Lost": "111",
    "Others": "112 211 212 311 312 321 322 331 332 341 342 351 352 "
    "431 432 441 442 451 452 531 532 541 542 551 552",
}
"""Every combination of recency, frequency and monetary score."""
