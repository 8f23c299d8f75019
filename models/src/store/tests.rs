use std::io::Cursor;

use super::*;
use crate::ggml::testing::tiny_file;

fn store() -> (tempfile::TempDir, ModelStore) {
    let folder = tempfile::tempdir().unwrap();
    let store = ModelStore::new(folder.path().join("models"));
    (folder, store)
}

#[test]
fn an_imported_model_is_listed_found_verified_and_removed() {
    let (_folder, store) = store();
    assert!(matches!(
        store.path("mine"),
        Err(StoreError::NotInstalled { .. })
    ));
    let file = tiny_file();
    let came = store
        .import_reader("mine", Cursor::new(&file), None)
        .unwrap();
    assert_eq!(came.bytes, file.len() as u64);
    assert_eq!(came.origin, Origin::NotPinned);
    assert_eq!(store.path("mine").unwrap(), came.path);
    assert_eq!(store.verify("mine").unwrap(), came);

    let list = store.list().unwrap();
    let mine = list.iter().find(|m| m.name == "mine").unwrap();
    assert!(mine.installed);
    assert_eq!(mine.sha256.as_deref(), Some(came.sha256.as_str()));
    let base = list.iter().find(|m| m.name == "base").unwrap();
    assert!(!base.installed && base.convertible);
    assert_eq!(base.bytes, Some(147_951_465));

    store.remove("mine").unwrap();
    assert!(matches!(
        store.path("mine"),
        Err(StoreError::NotInstalled { .. })
    ));
    assert_eq!(store.list().unwrap().len(), list.len() - 1);
}

#[test]
fn a_file_that_is_no_whole_model_never_gets_a_name() {
    let (_folder, store) = store();
    let file = tiny_file();
    let cut = store.import_reader("mine", Cursor::new(&file[..1_000_000]), None);
    assert!(matches!(cut, Err(StoreError::Model(_))), "{cut:?}");
    let other = store.import_reader("mine", Cursor::new(&file), Some("00"));
    assert!(matches!(other, Err(StoreError::Digest { .. })), "{other:?}");
    assert!(store.path("mine").is_err());
    let left: Vec<_> = fs::read_dir(&store.folder).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_model_that_changed_since_it_came_fails_its_check() {
    let (_folder, store) = store();
    let mut file = tiny_file();
    let came = store
        .import_reader("mine", Cursor::new(&file), None)
        .unwrap();
    *file.last_mut().unwrap() ^= 1;
    fs::write(&came.path, &file).unwrap();
    let found = store.verify("mine");
    assert!(matches!(found, Err(StoreError::Digest { .. })), "{found:?}");
}

#[test]
fn a_second_fetch_of_the_same_model_is_refused() {
    let (_folder, store) = store();
    let first = store.open_part("mine").unwrap();
    let second = store.import_reader("mine", io::empty(), None);
    assert!(matches!(second, Err(StoreError::Busy { .. })), "{second:?}");
    drop(first);
    assert!(store.open_part("mine").is_ok());
}

#[test]
fn names_cannot_leave_the_folder() {
    let (_folder, store) = store();
    for name in ["", "../up", "a/b", "a b", "Ä", &"x".repeat(65)] {
        assert!(
            matches!(store.path(name), Err(StoreError::BadName { .. })),
            "{name}"
        );
    }
}

#[test]
fn a_file_to_take_in_that_is_no_model_is_told_of_by_its_own_name() {
    let (folder, store) = store();
    let mine = folder.path().join("mine.bin");
    fs::write(&mine, b"no model").unwrap();
    let missing = folder.path().join("missing.bin");
    for file in [mine.as_path(), missing.as_path(), folder.path()] {
        let refused = store.import_file("mine", file, None).unwrap_err();
        let told = refused.to_string();
        assert!(told.contains(&*file.to_string_lossy()), "{told}");
    }
    assert!(!store.folder.exists(), "something was made");
}
