use super::*;
use hatif_core::{
    customer::Stage,
    customer_file::{Column, Encoding, LayoutChoice, Separator},
};
use proptest::prelude::*;

fn read(bytes: &[u8]) -> Vec<FileItem> {
    let layout = guess(bytes, true, &LayoutChoice::default()).layout;
    Customers::new(bytes, &layout).map(|item| item.expect("memory can be read")).collect()
}

fn kept(bytes: &[u8]) -> Vec<Customer> {
    read(bytes).into_iter().filter_map(|item| item.customer.ok()).collect()
}

fn told(bytes: &[u8]) -> Vec<(u64, Result<String, &'static str>)> {
    let name = |customer: Customer| customer.title().to_owned();
    read(bytes).into_iter().map(|item| (item.line, item.customer.map(name).map_err(|text| text.code))).collect()
}

#[test]
fn a_spreadsheets_table_is_read_with_its_lines() {
    let text = "Name;Telefon;Phone;Notes\r\nSara;x;'+98 21 8820 1140;\"one\r\ntwo; \"\"three\"\"\"\r\n\r\nOmid;;0912 000 4321;\r\n;;;\r\n";
    let items = read(text.as_bytes());
    assert_eq!(items.iter().map(|item| item.line).collect::<Vec<_>>(), [2, 5]);
    let sara = items[0].customer.clone().unwrap();
    assert_eq!(sara.numbers, ["+98 21 8820 1140"]);
    assert_eq!(sara.notes, "one\ntwo; \"three\"");
}

#[test]
fn broken_quotes_cost_one_line() {
    let text = "name,phone\nSara,+982188201140\n\"Omid,+989120004321\nLayla,+966114602200\n";
    assert_eq!(told(text.as_bytes()), [(2, Ok("Sara".into())), (3, Err("import.long_line")), (4, Ok("Layla".into()))]);
    // So does one in a file of any length.
    let mut long = String::from("name,phone\n\"Omid,+989120004321\n");
    (0..20_000).for_each(|n| long.push_str(&format!("Customer {n},+9821{:07}\n", 1_000_000 + n)));
    let told = told(long.as_bytes());
    assert_eq!(told[0], (2, Err("import.long_line")));
    assert_eq!(told.len(), 20_001);
    assert_eq!(told[20_000], (20_002, Ok("Customer 19999".into())));
}

#[test]
fn what_is_out_of_bounds_is_skipped_with_its_reason() {
    let wide = "x,".repeat(10_000);
    let huge = "y".repeat(300_000);
    let name = "ن".repeat(300);
    let text =
        format!("name,phone\n{wide}\n{huge},1\n{name},+982188201140\n\0Sa\0ra,+9821\0 88201141\n,\nOmid,\n,\"  \"\n");
    assert_eq!(
        told(text.as_bytes()),
        [
            (2, Err("import.long_line")),
            (3, Err("import.long_line")),
            (4, Err("customer.too_long")),
            (5, Ok("Sara".into())),
            (7, Ok("Omid".into())),
        ]
    );
}

#[test]
fn letters_of_another_encoding_are_not_kept_wrong() {
    let mut bytes = "name,phone\nسارة,+982188201140\n".to_owned().into_bytes();
    bytes.extend_from_slice(b"M\xfcller,+49301234567\nOmid,+989120004321\n");
    let layout = Layout { encoding: Encoding::Utf8, ..guess(&bytes, true, &LayoutChoice::default()).layout };
    let codes: Vec<_> = Customers::new(&bytes[..], &layout)
        .map(|item| item.unwrap().customer.map_err(|text| text.code).is_ok())
        .collect();
    assert_eq!(codes, [true, false, true]);
}

#[test]
fn every_encoding_of_a_spreadsheet_gives_the_same_customers() {
    let text = "الاسم;الهاتف\nسارة الأحمدي من الرياض;+966114602200\nمحمد العلي;+966114602201\n";
    let utf16: Vec<u8> = [0xfeff].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let arabic = encoding_rs::WINDOWS_1256.encode(text).0.into_owned();
    let expected = kept(text.as_bytes());
    assert_eq!(expected.len(), 2);
    assert_eq!(expected[0].name, "سارة الأحمدي من الرياض");
    for bytes in [utf16, arabic, [b"\xef\xbb\xbf", text.as_bytes()].concat()] {
        assert_eq!(kept(&bytes), expected);
    }
}

#[test]
fn vcards_of_three_versions_are_read() {
    let text = "BEGIN:VCARD\r\nVERSION:2.1\r\nN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=D8=A7=D8=AD=D9=85=D8=AF=DB=8C;=D8=\r\n=B3=D8=A7=D8=B1=D8=A7;;;\r\nTEL;CELL;VOICE:0912 000 4321\r\nPHOTO;ENCODING=BASE64;JPEG:/9j/4AAQSkZJRgABAQAAAQABAAD\r\n /2wBDAAYEBQYFBAYGBQYHBwYIChAKCgkJChQODwwQFxQYGBcU\r\n\r\nEND:VCARD\r\n\
        BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Thomas K\u{f6}hler\r\nN:K\u{f6}hler;Thomas;;Dr.;\r\nORG:K\u{f6}hler & S\u{f6}hne\\, GmbH;Sales\r\nitem1.TEL;type=WORK:+43 1 58058 0\r\nitem1.X-ABLabel:Desk\r\nEMAIL;type=INTERNET:thomas@koehler.example\r\nCATEGORIES:VIP,Export\r\nNOTE:first\\nsecond\\, with a comma and a very long tail that is \r\n folded\r\nEND:VCARD\r\n\
        BEGIN:VCARD\r\nVERSION:4.0\r\nFN:Layla\r\nTEL;VALUE=uri;TYPE=\"voice,cell\":tel:+966-11-460-2200;ext=12\r\nEND:VCARD\r\nBEGIN:VCARD\r\nFN:Cut off\r\n";
    let items = read(text.as_bytes());
    assert_eq!(items.len(), 4);
    let customer = |at: usize| items[at].customer.clone().unwrap();
    assert_eq!(
        (customer(0).name.as_str(), &customer(0).numbers[..]),
        ("سارا احمدی", &["0912 000 4321".to_owned()][..])
    );
    let thomas = customer(1);
    assert_eq!((thomas.name.as_str(), thomas.company.as_str()), ("Thomas Köhler", "Köhler & Söhne, GmbH"));
    assert_eq!(thomas.tags, ["VIP", "Export"]);
    assert_eq!(thomas.notes, "first\nsecond, with a comma and a very long tail that is folded");
    assert_eq!(customer(2).numbers, ["+966-11-460-2200;ext=12"]);
    assert_eq!(items[3].customer.as_ref().map_err(|text| text.code).map(|_| ()), Err("import.broken_card"));
    assert_eq!(items.iter().map(|item| item.line).collect::<Vec<_>>(), [1, 10, 22, 27]);
}

#[test]
fn a_picture_of_any_size_is_passed_over() {
    let picture = format!("PHOTO:data:{}", "A".repeat(3 << 20));
    let text = format!("BEGIN:VCARD\nVERSION:4.0\n{picture}\nFN:Sara\nEND:VCARD\n");
    assert_eq!(told(text.as_bytes()), [(1, Ok("Sara".into()))]);
}

fn customers() -> impl Strategy<Value = Vec<Customer>> {
    let line = "[\\PC=+@'\"\\\\,;:\t\n|-]{0,30}";
    let list = || prop::collection::vec("[\\PC=+@'\\\\,;: ]{0,20}", 0..4);
    let one = (line, line, list(), list(), line, 0..6usize, (line, list(), "(?s)[\\PC\\\\,;=\"\n]{0,60}"));
    let one =
        one.prop_filter_map("nobody", |(name, company, numbers, emails, reference, stage, (owner, tags, notes))| {
            let stage = Stage::ALL.get(stage).copied();
            let customer = Customer { id: 0, name, company, numbers, emails, reference, stage, owner, tags, notes };
            customer.tidied().ok().filter(|customer| !format!("{customer:?}").contains('\u{fffd}'))
        });
    prop::collection::vec(one, 1..5)
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(customers in customers()) {
        for format in [FileFormat::Csv, FileFormat::Vcard] {
            let text = write(format, true, &customers[..1]) + &write(format, false, &customers[1..]);
            prop_assert_eq!(&kept(text.as_bytes()), &customers, "{}", text);
        }
    }

    #[test]
    fn whatever_a_file_holds_is_read_to_its_end(bytes in prop::collection::vec(any::<u8>(), 0..2000), card in any::<bool>()) {
        let begin = if card { &b"BEGIN:VCARD\n"[..] } else { b"name;\"phone\n" };
        let bytes = [begin, &bytes].concat();
        read(&bytes);
        for encoding in [Encoding::Utf8, Encoding::Utf16Le, Encoding::Utf16Be, Encoding::Windows1252, Encoding::Windows1256] {
            let columns = vec![Column::Name, Column::Number];
            let layout = Layout { format: FileFormat::Csv, encoding, separator: Separator::Comma, heading: false, columns };
            Customers::new(&bytes[..], &layout).for_each(drop);
        }
    }
}
