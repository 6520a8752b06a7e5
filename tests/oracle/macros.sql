-- When is a raw text well formed, and what is its value? Every macro answers NULL for "it is not".
-- Numbers are taken apart as text, so no engine's rounding or casting taste gets in.

-- Only the space character is trimmed: the contract says "spaces", not "white space".
CREATE MACRO as_text(raw) AS nullif(trim(raw, ' '), '');

CREATE MACRO as_bigint(raw) AS CASE
    WHEN regexp_full_match(as_text(raw), '-?[0-9]+') THEN try_cast(as_text(raw) AS BIGINT)
END;

CREATE MACRO as_quantity(raw) AS CASE
    WHEN as_bigint(raw) BETWEEN 1 AND 2147483647 THEN CAST(as_bigint(raw) AS INTEGER)
END;

-- Cents, rounded half up by looking at the third decimal (a half moves away from zero).
CREATE MACRO money_digits(raw) AS regexp_extract(as_text(raw), '^-?0*([0-9]*)', 1);
CREATE MACRO money_decimals(raw) AS regexp_extract(as_text(raw), '\.([0-9]+)$', 1) || '000';
CREATE MACRO as_cents(raw) AS CASE
    WHEN regexp_full_match(as_text(raw), '-?[0-9]+(\.[0-9]+)?') AND length(money_digits(raw)) <= 9
    THEN CASE WHEN starts_with(as_text(raw), '-') THEN -1 ELSE 1 END
        * (
            try_cast('0' || money_digits(raw) AS BIGINT) * 100
            + try_cast(left(money_decimals(raw), 2) AS BIGINT)
            + CASE WHEN substr(money_decimals(raw), 3, 1) >= '5' THEN 1 ELSE 0 END
        )
END;

-- A price is money that is not negative AFTER rounding (-0.004 is 0.00) and fits DECIMAL(10,2).
CREATE MACRO as_price(raw) AS CASE
    WHEN as_cents(raw) BETWEEN 0 AND 9999999999
    THEN CAST(CAST(as_cents(raw) AS DECIMAL(12, 0)) * 0.01 AS DECIMAL(10, 2))
END;

-- There was no year 0000.
CREATE MACRO as_date(raw) AS CASE
    WHEN regexp_full_match(as_text(raw), '[0-9]{4}-[0-9]{2}-[0-9]{2}')
        AND NOT starts_with(as_text(raw), '0000')
    THEN try_cast(as_text(raw) AS DATE)
END;

-- \x0B: RE2 leaves the vertical tab out of \s, most other engines do not.
CREATE MACRO as_email(raw) AS CASE
    WHEN regexp_full_match(as_text(raw), '[^@\s\x0B]+@[^@\s\x0B]+\.[^@\s\x0B]+')
    THEN lower(as_text(raw))
END;

-- initcap: words are separated by spaces alone, so "jean-luc o'neil" is "Jean-luc O'neil".
CREATE MACRO capitalised(txt) AS array_to_string(
    list_transform(
        string_split(txt, ' '),
        lambda word: upper(left(word, 1)) || lower(substr(word, 2))
    ),
    ' '
);

-- The reason a required column gives for turning its row away; NULL when it gives none.
CREATE MACRO fault(column_name, raw, value) AS CASE
    WHEN as_text(raw) IS NULL THEN 'missing_' || column_name
    WHEN value IS NULL THEN 'invalid_' || column_name
END;
