//! How a file is laid out, by its first bytes: what kind it is, its letters, what stands between its cells, whether the
//! first row names the columns, and what each column holds, by English, Arabic and Persian headings (those of Google and
//! Outlook among them) or by what stands below.

use super::{
    columns::without_guard,
    letters::Letters,
    table::{Row, Table},
};
use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use hatif_core::customer_file::{Column, Encoding, FileFormat, Layout, LayoutChoice, Separator};
use std::io::Read;

/// Rows that are looked at.
const ROWS: usize = 20;

/// What was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Guess {
    /// All of it: what the user said, and what was guessed.
    pub layout: Layout,
    /// The name of each column; empty where there is none.
    pub headings: Vec<String>,
}

/// The layout of the file that begins so; `whole`: it is no longer.
pub fn guess(head: &[u8], whole: bool, choice: &LayoutChoice) -> Guess {
    let encoding = choice.encoding.unwrap_or_else(|| encoding(head, whole));
    let mut text = String::new();
    // What is in memory can be read, and it is UTF-8 already.
    Letters::new(head, encoding).read_to_string(&mut text).unwrap_or_default();
    if text.trim_start().get(..11).is_some_and(|begin| begin.eq_ignore_ascii_case("BEGIN:VCARD")) {
        let (format, separator) = (FileFormat::Vcard, Separator::Comma);
        let layout = Layout { format, encoding, separator, heading: false, columns: Vec::new() };
        return Guess { layout, headings: Vec::new() };
    }
    let separator = choice.separator.unwrap_or_else(|| separator(&text));
    let rows = rows(&text, separator);
    let width = rows.iter().map(Vec::len).max().unwrap_or(0);
    let heading = choice.heading.unwrap_or_else(|| has_heading(&rows));
    let cell = |row: usize, column: usize| rows.get(row).and_then(|row| row.get(column)).map_or("", String::as_str);
    let headings: Vec<String> =
        (0..width).map(|column| if heading { cell(0, column).trim().to_owned() } else { String::new() }).collect();
    let columns = match &choice.columns {
        Some(columns) => {
            let mut columns = columns.clone();
            columns.resize(width.max(1), Column::Nothing);
            columns
        }
        None if headings.iter().any(|heading| named(heading).is_some()) => by_headings(&headings),
        None => by_cells(rows.get(usize::from(heading)..).unwrap_or_default(), width),
    };
    Guess { layout: Layout { format: FileFormat::Csv, encoding, separator, heading, columns }, headings }
}

fn encoding(head: &[u8], whole: bool) -> Encoding {
    match head {
        [0xef, 0xbb, 0xbf, ..] => return Encoding::Utf8,
        [0xff, 0xfe, ..] => return Encoding::Utf16Le,
        [0xfe, 0xff, ..] => return Encoding::Utf16Be,
        _ => {}
    }
    // UTF-16 without its mark: every other byte of a heading's letters is zero.
    let zeros = |from: usize| head.iter().take(400).skip(from).step_by(2).filter(|byte| **byte == 0).count();
    if head.len() >= 4 && zeros(0).max(zeros(1)) * 5 > head.len().min(400) {
        return if zeros(1) > zeros(0) { Encoding::Utf16Le } else { Encoding::Utf16Be };
    }
    match std::str::from_utf8(head) {
        Ok(_) => return Encoding::Utf8,
        // A letter that is cut off by the end of what is looked at.
        Err(error) if !whole && error.error_len().is_none() => return Encoding::Utf8,
        Err(_) => {}
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(head, true);
    match detector.guess(None, Utf8Detection::Allow) {
        guessed if guessed == encoding_rs::UTF_8 => Encoding::Utf8,
        guessed if guessed == encoding_rs::WINDOWS_1256 || guessed == encoding_rs::ISO_8859_6 => Encoding::Windows1256,
        _ => Encoding::Windows1252,
    }
}

fn separator(text: &str) -> Separator {
    let all = [Separator::Comma, Separator::Semicolon, Separator::Tab];
    if let Some(named) = text.strip_prefix("sep=").and_then(|rest| rest.bytes().next())
        && let Some(separator) = all.into_iter().find(|separator| super::table::byte(*separator) == named)
    {
        return separator;
    }
    // Most cells in a row, as many in each: the fewest of any row count.
    let width = |separator: &Separator| rows(text, *separator).iter().map(Vec::len).min().unwrap_or(0);
    let best = all.iter().map(width).max().unwrap_or(0);
    let first = |separator: &Separator| rows(text, *separator).first().map_or(0, Vec::len);
    match best {
        0 | 1 => all.into_iter().max_by_key(|separator| (first(separator), *separator == Separator::Comma)),
        _ => all.into_iter().find(|separator| width(separator) == best),
    }
    .unwrap_or(Separator::Comma)
}

fn rows(text: &str, separator: Separator) -> Vec<Vec<String>> {
    let mut table = Table::new(text.as_bytes(), separator);
    let mut rows = Vec::new();
    while rows.len() < ROWS
        && let Ok(Some((_, row))) = table.read()
    {
        if let Row::Cells(cells) = row {
            rows.push(cells);
        }
    }
    rows
}

fn is_number(cell: &str) -> bool {
    let cell = without_guard(cell);
    let digits = cell.chars().filter(|c| c.is_numeric()).count();
    digits >= 5 && !cell.contains(|c: char| c.is_alphabetic())
}

fn is_email(cell: &str) -> bool {
    cell.contains('@') && cell.trim().len() > 4
}

fn has_heading(rows: &[Vec<String>]) -> bool {
    let value = |cell: &String| is_number(cell) || is_email(cell);
    let Some((first, rest)) = rows.split_first() else { return false };
    if first.iter().any(value) {
        return false;
    }
    first.iter().any(|cell| named(cell).is_some()) || rest.iter().flatten().any(value)
}

fn by_headings(headings: &[String]) -> Vec<Column> {
    let mut columns: Vec<Column> = headings.iter().map(|heading| named(heading).unwrap_or(Column::Nothing)).collect();
    // "Name" beside "Surname" is the given one.
    if columns.contains(&Column::Family) && !columns.contains(&Column::Given) {
        columns.iter_mut().filter(|column| **column == Column::Name).for_each(|column| *column = Column::Given);
    }
    // A full name beside its parts is enough.
    if columns.contains(&Column::Name) {
        let part = |column: &&mut Column| matches!(column, Column::Given | Column::Family);
        columns.iter_mut().filter(part).for_each(|column| *column = Column::Nothing);
    }
    columns
}

fn by_cells(rows: &[Vec<String>], width: usize) -> Vec<Column> {
    let mut texts = [Column::Name, Column::Company].into_iter();
    let column = |at: usize| {
        let cells: Vec<&String> =
            rows.iter().filter_map(|row| row.get(at)).filter(|cell| !cell.trim().is_empty()).collect();
        let most = |is: fn(&str) -> bool| cells.iter().filter(|cell| is(cell)).count() * 2 > cells.len();
        if most(is_email) {
            Column::Email
        } else if most(is_number) {
            Column::Number
        } else if most(|cell| cell.contains(char::is_alphabetic)) {
            texts.next().unwrap_or(Column::Nothing)
        } else {
            Column::Nothing
        }
    };
    (0..width).map(column).collect()
}

/// What a heading means. `None`: not known.
fn named(heading: &str) -> Option<Column> {
    let heading = plain(heading);
    let exact = WHOLE.iter().find(|(_, words)| words.iter().any(|word| plain(word) == heading));
    let part = || PARTS.iter().find(|(_, words)| words.iter().any(|word| heading.contains(&plain(word))));
    exact.or_else(part).map(|(column, _)| *column).filter(|_| !heading.is_empty())
}

/// A heading's letters and digits alone, in the forms of one keyboard.
fn plain(heading: &str) -> String {
    let letters = heading.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase);
    letters
        .map(|c| match c {
            'ي' | 'ى' | 'ئ' => 'ی',
            'ك' => 'ک',
            'ة' => 'ه',
            'أ' | 'إ' | 'آ' | 'ٱ' => 'ا',
            'ؤ' => 'و',
            c => c,
        })
        .collect()
}

/// Headings as a whole.
const WHOLE: &[(Column, &[&str])] = &[
    (
        Column::Name,
        &[
            "name",
            "full name",
            "display name",
            "contact",
            "contact name",
            "customer",
            "customer name",
            "client",
            "client name",
            "file as",
        ],
    ),
    (Column::Name, &["الاسم", "اسم", "اسم العميل", "العميل", "الاسم الكامل", "الاسم بالكامل", "اسم الزبون"]),
    (Column::Name, &["نام", "نام کامل", "نام مشتری", "مشتری", "نام و نام خانوادگی", "نام ونام خانوادگی", "مخاطب"]),
    (
        Column::Company,
        &[
            "firm",
            "employer",
            "account",
            "account name",
            "شركة",
            "الشركة",
            "اسم الشركة",
            "المؤسسة",
            "الجهة",
            "شرکت",
            "نام شرکت",
            "سازمان",
            "موسسه",
        ],
    ),
    (Column::Number, &["number", "numbers", "tel", "cell", "gsm", "الرقم", "رقم", "شماره"]),
    (
        Column::Reference,
        &[
            "code",
            "id",
            "reference",
            "customer number",
            "customer no",
            "customer id",
            "customer code",
            "client id",
            "account number",
            "account no",
        ],
    ),
    (
        Column::Reference,
        &["رقم العميل", "كود العميل", "رمز العميل", "شماره مشتری", "کد مشتری", "کد اشتراک", "شماره اشتراک"],
    ),
    (Column::Stage, &["stage", "lead stage", "lead status", "status", "المرحلة", "الحالة", "مرحله", "وضعیت"]),
    (
        Column::Owner,
        &[
            "owner",
            "account manager",
            "account owner",
            "assigned to",
            "responsible",
            "sales rep",
            "agent",
            "المسؤول",
            "المندوب",
            "الموظف المسؤول",
            "مسئول",
            "کارشناس",
            "مسئول پیگیری",
        ],
    ),
    (
        Column::Tags,
        &[
            "tag",
            "tags",
            "label",
            "labels",
            "category",
            "categories",
            "group",
            "groups",
            "group membership",
            "الوسوم",
            "وسوم",
            "التصنيف",
            "المجموعة",
            "برچسب",
            "برچسب‌ها",
            "برچسبها",
            "گروه",
            "دسته",
        ],
    ),
    (
        Column::Notes,
        &[
            "note",
            "notes",
            "comment",
            "comments",
            "remark",
            "remarks",
            "description",
            "ملاحظات",
            "ملاحظة",
            "الملاحظات",
            "وصف",
            "یادداشت",
            "یادداشت‌ها",
            "توضیح",
            "توضیحات",
            "ملاحظات",
        ],
    ),
];

/// Words within headings, the first that is found.
const PARTS: &[(Column, &[&str])] = &[
    (
        Column::Nothing,
        &["type", "label", "prefix", "suffix", "yomi", "phonetic", "fax", "photo", "birthday", "فاكس", "فکس", "نمابر"],
    ),
    (
        Column::Family,
        &["last name", "family name", "surname", "نام خانوادگی", "اسم العائلة", "اسم العائله", "الاسم الأخير", "اللقب"],
    ),
    (Column::Given, &["first name", "given name", "forename", "الاسم الأول", "نام کوچک"]),
    (Column::Email, &["mail", "بريد", "ايميل", "إيميل", "ایمیل", "پست الکترونیک", "رایانامه"]),
    (
        Column::Number,
        &[
            "phone",
            "mobile",
            "telephone",
            "cellular",
            "tel no",
            "هاتف",
            "جوال",
            "موبايل",
            "تلفون",
            "محمول",
            "رقم الاتصال",
            "تلفن",
            "موبایل",
            "همراه",
            "شماره تماس",
        ],
    ),
    (Column::Company, &["company", "organization", "organisation", "شركة", "شرکت", "سازمان"]),
    (Column::Notes, &["notes", "ملاحظات", "توضیحات"]),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(text: &str) -> Vec<Column> {
        guess(text.as_bytes(), true, &LayoutChoice::default()).layout.columns
    }

    #[test]
    fn headings_of_three_languages_and_of_two_address_books_are_known() {
        use Column as C;
        for (heading, expected) in [
            ("Name,Company,Phone,E-mail,Notes", vec![C::Name, C::Company, C::Number, C::Email, C::Notes]),
            (
                "الاسم;الشركة;رقم الجوال;البريد الإلكتروني;ملاحظات",
                vec![C::Name, C::Company, C::Number, C::Email, C::Notes],
            ),
            ("نام\tنام خانوادگی\tشماره تماس\tایمیل\tتوضیحات", vec![C::Given, C::Family, C::Number, C::Email, C::Notes]),
            ("نام و نام خانوادگی,شرکت,تلفن همراه,کد مشتری", vec![C::Name, C::Company, C::Number, C::Reference]),
            (
                "First Name,Last Name,Organization Name,Phone 1 - Label,Phone 1 - Value,E-mail 1 - Value,Labels",
                vec![C::Given, C::Family, C::Company, C::Nothing, C::Number, C::Email, C::Tags],
            ),
            (
                "First Name,Last Name,Company,Business Fax,Mobile Phone,E-mail Address",
                vec![C::Given, C::Family, C::Company, C::Nothing, C::Number, C::Email],
            ),
            ("name,customer number,status,owner,xyz", vec![C::Name, C::Reference, C::Stage, C::Owner, C::Nothing]),
        ] {
            assert_eq!(
                columns(&format!("{heading}\n1{}\n", heading.replace(|c| !",;\t".contains(c), ""))),
                expected,
                "{heading}"
            );
        }
    }

    #[test]
    fn a_table_without_a_heading_is_known_by_what_it_holds() {
        let found = guess(
            "Sara Ahmadi;+98 21 8820 1140;sara@x.example\nOmid;021 1111111;\n".as_bytes(),
            true,
            &LayoutChoice::default(),
        );
        assert!(!found.layout.heading);
        assert_eq!(found.layout.separator, Separator::Semicolon);
        assert_eq!(found.layout.columns, [Column::Name, Column::Number, Column::Email]);
    }

    #[test]
    fn letters_are_known_with_and_without_their_mark() {
        let text = "الاسم,الهاتف\nسارة الأحمدي من الرياض,+966114602200\nمحمد العلي,+966114602201\n";
        let utf16 = |big: bool, mark: bool| {
            let words = text.encode_utf16().collect::<Vec<u16>>();
            let mark = mark.then_some(0xfeff_u16);
            let bytes = mark.into_iter().chain(words);
            bytes.flat_map(|word| if big { word.to_be_bytes() } else { word.to_le_bytes() }).collect::<Vec<u8>>()
        };
        let arabic = encoding_rs::WINDOWS_1256.encode(text).0.into_owned();
        let german = encoding_rs::WINDOWS_1252.encode("Name,Firma\nJürgen Müller,Köhler & Söhne\n").0.into_owned();
        for (bytes, expected) in [
            (text.as_bytes().to_vec(), Encoding::Utf8),
            ([b"\xef\xbb\xbf", text.as_bytes()].concat(), Encoding::Utf8),
            (utf16(false, true), Encoding::Utf16Le),
            (utf16(true, true), Encoding::Utf16Be),
            (arabic, Encoding::Windows1256),
            (german, Encoding::Windows1252),
        ] {
            assert_eq!(guess(&bytes, true, &LayoutChoice::default()).layout.encoding, expected);
        }
        let plain: Vec<u8> = "Name,Phone\nSara,+98211\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(guess(&plain, true, &LayoutChoice::default()).layout.encoding, Encoding::Utf16Le);
    }

    #[test]
    fn what_the_user_says_holds() {
        let choice = LayoutChoice {
            columns: Some(vec![Column::Number, Column::Name]),
            heading: Some(false),
            separator: Some(Separator::Comma),
            ..LayoutChoice::default()
        };
        let layout = guess(b"name,phone,x\na,b,c\n", true, &choice).layout;
        assert_eq!(layout.columns, [Column::Number, Column::Name, Column::Nothing]);
        assert!(!layout.heading);
    }
}
