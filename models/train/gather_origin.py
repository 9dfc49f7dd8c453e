#!/usr/bin/env python3
"""Lay out the pictures that the origin detectors are trained and measured with, from clones of public repositories.

  gather_origin.py --clones DIR --patches realai128/labels.csv --photos DIR --out DATA

`--clones` holds one folder owner+name per repository (a clone, or with a bare one in repo/). Pictures are written as they are.
DATA/labels.csv says of each: path, label, source, split. DATA/manifest.json says of each source: repository, commit, terms,
how many pictures a split has, and a sum over their names (the names are sums of the contents). Splits:

  train, seen   the same sources, no picture in both (the choice of `--patches` where it names the picture, else by hash)
  val           sources and generators that no training had, to choose by: when to stop, which net, which threshold
  held          sources never trained on and no choice made on them; looked at when earlier models were measured
  fresh         the same, and nobody had looked at them before the present thresholds were done

A picture of train or seen that looks like one of the other splits is left out.
"""
import argparse, csv, fnmatch, hashlib, json, os, re
import numpy as np

from clones import Clone

# families of generators that only held and fresh have; a zoo's picture of such a model goes there or nowhere
UNSEEN = re.compile(r'flux|klein|kontext|krea|chroma|qwen|z[-_]?image|zimage|ideogram|ernie|fibo|gemini|hunyuan|kolors|gpt|dall|'
                    r'shuttle|flex\.|firered|joyai|redux|nano|longcat|boogu|anima', re.I)
NO_PICTURE = re.compile(r'video|wan|ltxv|mochi|cosmos|mask|depth|scribble|canny|pose|input|zero123|upscaled|seedvr|hypernetwork_example\.|'
                        r'photomaker|logo|train_loss|how_it_works|edit', re.I)
EARLY = 'dcsan+imagen'  # one question to many services of 2022: files are named after them

def only(x):
    return lambda path: bool(x.search(path)) and not NO_PICTURE.search(path)

def without(x):
    return lambda path: not x.search(path) and not NO_PICTURE.search(path)

# clone, source, label, split ("" = train or seen), patterns of paths, terms[, which of these paths]
SOURCES = [
    ('BIDS+BSDS500', 'bsds', 'human', 'held', ['BSDS500/data/images/*'], 'photographs; research'),
    ('jamez-bondos+awesome-gpt4o-images', 'gpt4o', 'artificial', 'held', ['cases/*', 'gpt-image-1/examples/*'], 'GPT-4o; CC-BY-4.0'),
    ('PicoTrex+Awesome-Nano-Banana-images', 'gemini', 'artificial', 'held', ['*/output*'],
     'Gemini 2.5 image, many are edits of photographs; Apache-2.0'),
    ('Kwai-Kolors+Kolors', 'kolors', 'artificial', 'held', ['controlnet/outputs/*', 'scripts/outputs/*'], 'Kolors; Apache-2.0'),
    ('Tencent+HunyuanDiT', 'hunyuan', 'artificial', 'held', ['ipadapter/asset/output/*', 'controlnet/asset/output/*'],
     'Hunyuan-DiT; Tencent community licence'),
    ('facebookresearch+DiT', 'dit', 'artificial', 'held', ['visuals/*'], 'DiT; CC-BY-NC-4.0'),

    (EARLY, 'dalle2', 'artificial', 'fresh', ['output/renders/*/dal2*'], 'DALL-E 2; no licence file, unclear'),
    ('jyoung105+yetter', 'flux', 'artificial', 'fresh', ['*/flux-1-dev/results/*'], 'FLUX.1 dev; no licence file, unclear'),
    ('jyoung105+yetter', 'kontext', 'artificial', 'fresh', ['*/flux-1-kontext-dev/results/*'],
     'FLUX.1 Kontext, edits of photographs; no licence file, unclear'),
    ('jyoung105+yetter', 'qwen', 'artificial', 'fresh', ['*/qwen-image/results/*'], 'Qwen-Image; no licence file, unclear'),
    ('leejet+stable-diffusion.cpp', 'newzoo', 'artificial', 'fresh', ['assets/*'], 'models of 2024 to 2026; MIT', only(UNSEEN)),
    ('filipstrand+mflux', 'newzoo', 'artificial', 'fresh', ['tests/resources/reference_*'], 'models of 2024 to 2026; MIT', only(UNSEEN)),
    ('vladmandic+sdnext', 'newzoo', 'artificial', 'fresh', ['models/Reference/*'], 'models of 2024 to 2026; Apache-2.0', only(UNSEEN)),
    ('declan-wright+Image-Dataset', 'pairsai', 'artificial', 'fresh', ['A*.jpg'], 'unnamed generators, scaled alike; MIT'),
    ('declan-wright+Image-Dataset', 'pairsreal', 'human', 'fresh', ['B*.jpg'], 'photographs before 2021, scaled alike; MIT'),
    ('opieters+jekyll-image-gallery-example', 'gallery', 'human', 'fresh', ['assets/photography/*'],
     'photographs of one photographer, in several sizes; CC-BY-NC-SA-4.0'),
    ('marcusklasson+GroceryStoreDataset', 'grocery', 'human', 'fresh', ['dataset/test/*'], 'photographs of a telephone, shrunk; MIT'),
    ('Azure-Samples+cognitive-services-sample-data-files', 'samples', 'human', 'fresh', ['*'], 'photographs, forms, screens; MIT'),
    ('immich-app+test-assets', 'phones', 'human', 'fresh', ['*'], 'photographs of telephones and cameras; public domain by its README'),
    ('nextcloud+example-files', 'phones', 'human', 'fresh', ['Photos/*'], 'photographs; no licence file, unclear'),

    (EARLY, 'glid3', 'artificial', 'val', ['output/renders/*/glid3*'], 'GLID-3 XL; no licence file, unclear'),
    (EARLY, 'stab', 'artificial', 'val', ['output/renders/*/stab-*'], 'the first Stable Diffusion; no licence file, unclear'),
    ('comfyanonymous+ComfyUI_examples', 'comfy', 'artificial', 'val', ['*'],
     'Stable Diffusion 1.5 to 3.5, AuraFlow, Lumina 2, HiDream and others; ISC-like', without(UNSEEN)),
    ('ai-forever+Kandinsky-3', 'papers', 'artificial', 'val', ['assets/photo_*', 'assets/butterly*', 'assets/kandinsky.jpg'],
     'Kandinsky 3; Apache-2.0'),
    ('deep-floyd+IF', 'papers', 'artificial', 'val', ['pics/dream-*', 'pics/main.jpg'], 'DeepFloyd IF; its own licence'),
    ('Stability-AI+StableCascade', 'papers', 'artificial', 'val', ['figures/collage*', 'figures/*-example-*'], 'Stable Cascade; MIT'),
    ('datitran+raccoon_dataset', 'raccoon', 'human', 'val', ['images/*'], 'photographs from the web; MIT, photographs unclear'),
    ('jbhuang0604+SelfExSR', 'urban', 'human', 'val', ['data/Urban100/image_SRF_2/*_HR.png'], 'Urban100 photographs; Flickr terms'),
    ('mapillary+OpenSfM', 'scenes', 'human', 'val', ['data/*/images/*'], 'photographs of telephones and cameras; BSD-2-Clause'),
    ('openMVG+ImageDataset_SceauxCastle', 'scenes', 'human', 'val', ['images/*'], 'photographs; CC-BY-NC-SA'),
    ('ianare+exif-samples', 'exif', 'human', 'val', ['jpg/*'], 'photographs of many cameras; no licence file, unclear'),
    ('mate-desktop+mate-backgrounds', 'backgrounds', 'human', 'val', ['nature/*'], 'photographs; GPL-2.0, CC-BY-SA'),
    ('elementary+wallpapers', 'backgrounds', 'human', 'val', ['backgrounds/*'], 'photographs; Unsplash terms, public domain'),

    ('EvoLinkAI+awesome-gpt-image-2-prompts', 'gptimage', 'artificial', '', ['images/*'], 'GPT image models; CC0'),
    ('saahil1801+Real-vs-AI-Art-VIT-Transformer-Classifier', 'aiart', 'artificial', '', ['archive-2/AiArtData/*'],
     'AI art scraped from the web (Midjourney, DALL-E, Stable Diffusion and others); no licence file, unclear'),
    ('saahil1801+Real-vs-AI-Art-VIT-Transformer-Classifier', 'realart', 'human', '', ['archive-2/RealArt/*'],
     'paintings and drawings scraped from the web; no licence file, unclear'),
    ('SupaGruen+StableDiffusion-CheatSheet', 'sdcheat', 'artificial', '', ['img/*.webp'], 'Stable Diffusion 1.5, four to a file, WebP; MIT'),
    ('cheekymohnkey+midjourney-profile-tester', 'midjourney', 'artificial', '', ['profile_results_backup/*'], 'Midjourney of 2026; MIT'),
    ('yukittm+midjourney-explore', 'midjourney', 'artificial', '', ['automation/assets/*'], 'Midjourney of 2026; no licence file, unclear'),
    (EARLY, 'dmin', 'artificial', '', ['output/renders/*/dmin*'], 'DALL-E mini; no licence file, unclear'),
    (EARLY, 'ldif', 'artificial', '', ['output/renders/*/ldif*'], 'Latent Diffusion; no licence file, unclear'),
    (EARLY, 'midj', 'artificial', '', ['output/renders/*/midj*'], 'Midjourney of 2022; no licence file, unclear'),
    (EARLY, 'disco', 'artificial', '', ['output/renders/*/disco*'], 'Disco Diffusion; no licence file, unclear'),
    (EARLY, 'simu', 'artificial', '', ['output/renders/*/simu*', 'output/renders/*/mdif*'],
     'Simulacra and Majesty Diffusion; no licence file, unclear'),
    ('vladmandic+sdnext', 'zoo', 'artificial', '', ['models/Reference/*'], 'one picture each of many models; Apache-2.0', without(UNSEEN)),
    ('easydiffusion+easydiffusion', 'easy', 'artificial', '', ['ui/media/modifier-thumbnails/*.jpg'], 'Stable Diffusion 1.4; its own licence'),
    ('justinpinkney+awesome-pretrained-stylegan2', 'gans', 'artificial', '', ['content/*'], 'StyleGAN2 of many subjects; no licence file, unclear'),
    ('tharunnayak14+Real-vs-Fake-Face-Detection', 'ganfaces', 'artificial', '', ['*/fake/*'], 'StyleGAN2 faces, 300 pixels; unclear'),
    ('tharunnayak14+Real-vs-Fake-Face-Detection', 'faces', 'human', '', ['*/real/*'], 'faces in Unsplash photographs, 300 pixels; unclear'),
    ('EliSchwartz+imagenet-sample-images', 'imagenet', 'human', '', ['*.JPEG'], 'ImageNet photographs; ImageNet terms: research, non-commercial'),
    ('lightly-ai+coco128_yolo', 'coco', 'human', '', ['images/train2017/*'], "COCO train2017 photographs; Flickr users' terms"),
    ('Obmutescence+COCO-MINI', 'cocomini', 'human', '', ['*'], "COCO 2017 photographs; no licence file, Flickr users' terms"),
    ('BernieChen96+ImageClassification', 'voc', 'human', '', ['*'], 'VOC 2007 photographs; no licence file, Flickr terms'),
    ('drewnoakes+metadata-extractor-images', 'cameras', 'human', '', ['jpg/*', 'webp/*'], 'photographs of several hundred cameras and telephones; free use'),
    ('alexeygrigorev+clothing-dataset', 'clothing', 'human', '', ['images/*'], 'clothes photographed with telephones, shrunk to 400 pixels; CC0'),
    ('LukeSmithxyz+based.cooking', 'cooking', 'human', '', ['static/pix/*'], 'dishes photographed with telephones, WebP; Unlicense'),
    ('18F+18f.gsa.gov', 'office', 'human', '', ['assets/img/team/*', 'assets/blog/*'], 'portraits, photographs and screens of a web site; CC0'),
    ('InputBlackBoxOutput+popular-animals-dataset', 'animals', 'human', '', ['*'], 'small pictures of animals from the web; MIT, pictures unclear'),
    ('Jitesh17+openimages-personcar-localize_and_classify', 'openimages', 'human', '', ['data/images_val/*'], 'Open Images photographs; CC-BY-2.0'),
    ('EdjeElectronics+TensorFlow-Object-Detection-API-Tutorial-Train-Multiple-Objects-Windows-10', 'cards', 'human', '', ['images/*'],
     'playing cards photographed with a telephone; Apache-2.0'),
]
ENDINGS = ('.jpg', '.jpeg', '.png', '.webp')
LEAST = 128          # pixels of the shorter side
WIDEST = {'comfy': 2100}  # wider ones are screens of the program
SEEN_PER_CENT = 12   # of what --patches does not name
MOST = {'voc': 1600, 'clothing': 900, 'animals': 500, 'office': 500, 'cards': 150, 'glid3': 100, 'grocery': 150, 'samples': 150}
PHOTOS_LEFT_OUT = ('n0*', 'page*', 'text*', '*_ir*')  # ImageNet is trained on; no photographs of a lens
ALIKE = 4            # of 64 bits; fewer differ: the same picture in another size

def part(text, n=100):
    return int(hashlib.sha256(text.encode()).hexdigest()[:8], 16) % n

def pictures(clone, patterns, wanted):
    """(path, bytes) of a clone; what a shallow store lacks is passed over."""
    found = [(path, name) for path, name, _ in clone.files('HEAD', patterns) if path.lower().endswith(ENDINGS) and wanted(path)]
    for (path, _), data in zip(found, clone.blobs([name for _, name in found])):
        if data is not None:
            yield path, data

def look(path):
    """Width, the shorter side and 64 bits of how the picture looks (brighter or darker from left to right); zeros and None:
    unreadable, or a film."""
    from PIL import Image
    try:
        with Image.open(path) as im:
            if getattr(im, 'n_frames', 1) > 1 and im.format != 'MPO':
                return 0, 0, None
            width, least = im.width, min(im.size)
            im.draft('RGB', (72, 64))  # of a JPEG a shrunk copy is enough, and much quicker
            im.load()
            small = np.asarray(im.convert('RGB').convert('L').resize((9, 8), Image.BOX)).astype(int)
            return width, least, np.packbits(small[:, 1:] > small[:, :-1])
    except Exception:
        return 0, 0, None

BITS = np.array([bin(i).count('1') for i in range(256)])

class Looks:
    """How the pictures of val, held and fresh look."""
    def __init__(self):
        self.all = np.zeros((0, 8), np.uint8)

    def add(self, bits):
        self.all = np.concatenate([self.all, bits[None]])

    def has(self, bits):
        return len(self.all) > 0 and BITS[self.all ^ bits].sum(axis=1).min() <= ALIKE

def sum_of(names):
    return hashlib.sha256('\n'.join(sorted(names)).encode()).hexdigest()

def main():
    p = argparse.ArgumentParser()
    for name in ('--clones', '--patches', '--photos', '--out'):
        p.add_argument(name, required=True)
    args = p.parse_args()
    with open(args.patches, newline='') as f:
        named = {(r['source'], r['image']): r['split'] for r in csv.DictReader(f)}
    rows, looks, kept = [], Looks(), set()

    def keep(source, label, split, name, data):
        ending = os.path.splitext(name)[1].lower()
        own = hashlib.sha256(data).hexdigest()[:16]
        path = f'{source}/{own}{ending}'
        full = os.path.join(args.out, path)
        if own in kept:
            return False  # the same picture twice
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, 'wb') as f:
            f.write(data)
        width, side, bits = look(full)
        if (side < LEAST or width > WIDEST.get(source, width) or (source == 'voc' and side < 256)
                or (split in ('train', 'seen') and looks.has(bits))):
            os.remove(full)
            return False
        if split not in ('train', 'seen'):
            looks.add(bits)
        kept.add(own)
        rows.append((path, label, source, split))
        return True

    for name in sorted(os.listdir(args.photos)):
        if name.lower().endswith(ENDINGS) and not any(fnmatch.fnmatch(name, p) for p in PHOTOS_LEFT_OUT):
            with open(os.path.join(args.photos, name), 'rb') as f:
                keep('photos', 'human', 'held', name, f.read())
    commits = {}
    for clone, source, label, split, patterns, terms, *wanted in SOURCES:
        at = Clone(os.path.join(args.clones, clone))
        found = sorted(pictures(at, patterns, wanted[0] if wanted else lambda _: True), key=lambda x: hashlib.sha256(x[1]).hexdigest())
        if source == 'voc':
            found = [x for x in found if len(x[1]) > 20000]
        left = MOST.get(source, len(found))
        for path, data in found:
            own = {'val': 'seen'}.get(x := named.get((source, path)), x) or (
                'seen' if part(hashlib.sha256(data).hexdigest()) < SEEN_PER_CENT else 'train')
            if left > 0 and keep(source, label, split or own, path, data):
                left -= 1
        commit = at.run('rev-parse', 'HEAD').decode().strip()
        commits.setdefault(source, []).append(f'{clone.replace("+", "/", 1)}@{commit}: {terms}')
        print(source, split or 'train', sum(r[2] == source for r in rows), flush=True)
    with open(os.path.join(args.out, 'labels.csv'), 'w', newline='') as f:
        out = csv.writer(f)
        out.writerow(['path', 'label', 'source', 'split'])
        out.writerows(sorted(rows))
    manifest = {}
    for source in sorted({r[2] for r in rows}):
        mine = [r for r in rows if r[2] == source]
        manifest[source] = {'label': mine[0][1], 'from': commits.get(source, ['development photographs of mixed origin']),
                            'pictures': {s: sum(r[3] == s for r in mine) for s in sorted({r[3] for r in mine})},
                            'sha256_of_names': sum_of(r[0] for r in mine)}
    with open(os.path.join(args.out, 'manifest.json'), 'w') as f:
        json.dump(manifest, f, indent=1)

if __name__ == '__main__':
    main()
