"""Images with files of boxes, in the formats of Pascal VOC, COCO and YOLO, from their folders to a data set."""
